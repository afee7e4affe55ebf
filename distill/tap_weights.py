"""How much each tap counts: what finds synthetic flaws on this part, where that is sure.

On smooth parts the finest tap finds most; on rough ones it finds what every part has, and surroundings say more. No
rule serves both (docs/experiment-log.md).
"""

import numpy as np
import torch
from torch import Tensor, nn

from inspection.terminal import say
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.nearest_normal import local_excess
from pretrain.evaluate.sure_choice import surely_best, wins_over
from pretrain.evaluate.tap_banks import FINEST_SHARE, TapBanks, tap_weights
from pretrain.evaluate.treatment import to_bytes
from pretrain.flaws import add_flaws

FINEST_SHARES = (1 / 3, FINEST_SHARE, 3 / 4)
"""Of the finest tap: as much as each other, as all others together, or most."""
_MOST_IMAGES, _LEAST_IMAGES = 96, 24
_FLAWS_EACH = 2


def weigh_taps(embedder: nn.Module, banks: TapBanks, normal: Tensor, generator: torch.Generator) -> None:
    """Choose the weights of `banks` by normal images that gave them nothing, uint8 [N, S, S, 3], and flawed copies.

    `embedder` gives the cells of each tap. Of few images, or a single tap, the weights stay as they are.
    """
    normal = normal[:_MOST_IMAGES]
    if len(banks.spreads) == 1 or len(normal) < _LEAST_IMAGES:
        return
    count = len(normal)
    images = as_input(normal.repeat(_FLAWS_EACH, 1, 1, 1), torch.device("cpu"))
    flawed = to_bytes(add_flaws(images, generator).pixels)
    maps = _tap_maps(embedder, banks, torch.cat([normal, flawed]))
    weights = {share: tap_weights(len(banks.spreads), share) for share in FINEST_SHARES}
    wins: dict[float, np.ndarray] = {}
    for share, chosen in weights.items():
        banks.weigh(chosen, maps[:count])
        scores = local_excess(banks.join(maps), banks.usual_level).cpu().numpy()
        copies = scores[count:].reshape(_FLAWS_EACH, count)
        wins[share] = np.mean([wins_over(scores[:count], of_flawed) for of_flawed in copies], axis=0)
    best = surely_best(wins, FINEST_SHARE, seed=0)
    banks.weigh(weights[best], maps[:count])
    figures = ", ".join(f"{share:.2f} {found.mean():.3f}" for share, found in wins.items())
    say(f"finest tap: {best:.0%} of the weight (flaws told from clean images, AUROC by weight: {figures})")


@torch.inference_mode()
def _tap_maps(embedder: nn.Module, banks: TapBanks, pixels: Tensor) -> Tensor:
    device = banks.spreads.device
    # One by one: the distances of a batch fill the memory.
    return torch.cat([banks.tap_maps(embedder(as_input(image[None], device))) for image in pixels])
