"""Choosing the illumination treatment from unlabeled images alone.

Held-out images, and copies of them with a synthetic flaw, are lit a little differently and scored by a small memory
bank. The treatment under which flaws stand out most from clean images wins. No labeled image is looked at.
"""

import numpy as np
import torch
from torch import Tensor

from inspection.calibration.metrics import image_auroc
from inspection.images.illumination import Illumination
from inspection.terminal import say, track
from pretrain.encoder import Encoder
from pretrain.evaluate.embeddings import as_input, map_in_batches
from pretrain.evaluate.memory_bank import fit_bank
from pretrain.evaluate.nearest_normal import smooth_map
from pretrain.evaluate.splits import split_by_lot
from pretrain.evaluate.treatment import to_bytes, treat_all
from pretrain.flaws import add_flaws
from pretrain.image_set import ImageSet

_MOST_FITTED, _MOST_HELD_OUT, _BANK_SIZE, _NEIGHBOURS = 96, 64, 2048, 1
_GAINS = (0.85, 1.15)


def choose_illumination(encoder: Encoder, images: ImageSet, seed: int) -> Illumination:
    """The best treatment for untreated `images` under `encoder`; ties go to the simpler one."""
    fitted, held_out, _ = split_by_lot(images, seed)
    generator = torch.Generator().manual_seed(seed)
    fitted, held_out = _some(fitted, _MOST_FITTED, generator), _some(held_out, _MOST_HELD_OUT, generator)
    clean = images.pixels[held_out]
    flawed = to_bytes(add_flaws(as_input(clean, torch.device("cpu")), generator).pixels)
    clean, flawed = _relight(clean, generator), _relight(flawed, generator)
    separations = {}
    for illumination in track(Illumination, "choosing illumination", len(Illumination)):
        sets = [treat_all(pixels, illumination) for pixels in (images.pixels[fitted], clean, flawed)]
        separations[illumination] = separation(encoder, *sets, generator=generator)
    figures = ", ".join(f"{name.value} {figure:.3f}" for name, figure in separations.items())
    best = max(separations, key=lambda name: separations[name])
    say(f"illumination: {best.value} (flaws told from clean held-out images, AUROC: {figures})")
    return best


def separation(encoder: Encoder, fitted: Tensor, clean: Tensor, flawed: Tensor, *, generator: torch.Generator) -> float:
    """AUROC of flawed against clean images, uint8 [N, S, S, 3], by a memory bank of `fitted` ones."""
    encoder = encoder.eval()
    device = next(encoder.parameters()).device

    def embed(pixels: Tensor) -> Tensor:
        return map_in_batches(encoder.patch_embeddings, pixels, device)

    nearest = fit_bank(embed(fitted), _BANK_SIZE, _NEIGHBOURS, generator)
    scores = [
        torch.stack([local_excess(nearest(image.permute(1, 2, 0).float())[None])[0] for image in embed(pixels)])
        for pixels in (clean, flawed)
    ]
    is_flawed = np.repeat([False, True], [len(clean), len(flawed)])
    return image_auroc(torch.cat(scores).numpy(), is_flawed) or 0.5


def local_excess(distances: Tensor) -> Tensor:
    """The peak of each smoothed map [B, h, w] over the map's own median, [B]."""
    flat = smooth_map(distances).flatten(1)
    return flat.amax(1) - flat.median(1).values


def _some(indices: list[int], most: int, generator: torch.Generator) -> list[int]:
    return [indices[place] for place in torch.randperm(len(indices), generator=generator)[:most].tolist()]


def _relight(pixels: Tensor, generator: torch.Generator) -> Tensor:
    gains = _GAINS[0] + (_GAINS[1] - _GAINS[0]) * torch.rand(len(pixels), 1, 1, 1, generator=generator)
    return (pixels * gains).clamp(0, 255).to(torch.uint8)
