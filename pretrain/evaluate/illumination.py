"""Choosing the illumination treatment from unlabeled images alone.

Held-out images, and copies of them with a synthetic flaw, are lit a little differently and scored by a small memory
bank. An even gain is the rule: it undoes exposure and can hardly harm. Another treatment must make flaws stand out
better beyond what chance does with so few images. No labeled image is looked at.
"""

import numpy as np
import torch
from torch import Tensor

from inspection.images.illumination import Illumination
from inspection.terminal import say, track
from pretrain.data.image_set import ImageSet
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.nearest_normal import local_excess
from pretrain.evaluate.normality import learn_normality
from pretrain.evaluate.splits import split_by_lot
from pretrain.evaluate.sure_choice import surely_best, wins_over
from pretrain.evaluate.treatment import to_bytes, treat_all
from pretrain.flaws import add_flaws

_MOST_FITTED, _MOST_HELD_OUT, _BANK_SIZE = 96, 96, 2048
_GAINS = (0.85, 1.15)
_RULE = Illumination.GAIN


def choose_illumination(encoder: Encoder, images: ImageSet, seed: int) -> Illumination:
    """The treatment for untreated `images` under `encoder`: even gain, or one that is surely better."""
    fitted, held_out, _ = split_by_lot(images, seed)
    generator = torch.Generator().manual_seed(seed)
    fitted, held_out = _some(fitted, _MOST_FITTED, generator), _some(held_out, _MOST_HELD_OUT, generator)
    clean = images.pixels[held_out]
    flawed = to_bytes(add_flaws(as_input(clean, torch.device("cpu")), generator).pixels)
    clean, flawed = _relight(clean, generator), _relight(flawed, generator)
    wins = {}
    for illumination in track(Illumination, "choosing illumination", len(Illumination)):
        sets = [treat_all(pixels, illumination) for pixels in (images.pixels[fitted], clean, flawed)]
        # The same bank's cells for each, so that chance does not choose.
        wins[illumination] = wins_of_flawed(encoder, *sets, generator=torch.Generator().manual_seed(seed))
    figures = ", ".join(f"{name.value} {found.mean():.3f}" for name, found in wins.items())
    chosen = surely_best(wins, _RULE, seed)
    why = "the rule; no other is surely better" if chosen is _RULE else f"surely better than {_RULE.value}, the rule"
    say(f"illumination: {chosen.value}, {why} (flaws told from clean held-out images, AUROC: {figures})")
    return chosen


def wins_of_flawed(
    encoder: Encoder, fitted: Tensor, clean: Tensor, flawed: Tensor, *, generator: torch.Generator
) -> np.ndarray:
    """`wins_over` of clean and flawed images, by a memory bank of `fitted` ones; uint8 [N, S, S, 3] each."""
    normality = learn_normality(encoder, fitted, _BANK_SIZE, generator)
    of_clean, of_flawed = (local_excess(normality.map_anomalies(pixels)[0]).numpy() for pixels in (clean, flawed))
    return wins_over(of_clean, of_flawed)


def _some(indices: list[int], most: int, generator: torch.Generator) -> list[int]:
    return [indices[place] for place in torch.randperm(len(indices), generator=generator)[:most].tolist()]


def _relight(pixels: Tensor, generator: torch.Generator) -> Tensor:
    gains = _GAINS[0] + (_GAINS[1] - _GAINS[0]) * torch.rand(len(pixels), 1, 1, 1, generator=generator)
    return (pixels * gains).clamp(0, 255).to(torch.uint8)
