"""Synthetic flaws: copies of an image that differ in one place, as a defect would.

Each flaw is a shape filled with something that does not belong there. They are stand-ins: they teach and test *where* a
surface changed, and never count as real defects.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pretrain.flaws.draws import uniform
from pretrain.flaws.fillings import draw_fillings
from pretrain.flaws.shapes import draw_shapes
from pretrain.precision import in_full_precision

_VISIBLE_CHANGE = 0.03
"""Mean absolute change of a pixel, of 1, from which it counts as changed."""


@dataclass(frozen=True)
class Flawed:
    """`pixels` float [B, 3, S, S] in 0..1 and the changed pixels, bool [B, S, S]."""

    pixels: Tensor
    changed: Tensor


@in_full_precision
def add_flaws(images: Tensor, generator: torch.Generator) -> Flawed:
    """One flaw in each of B images, float [B, 3, S, S] in 0..1."""
    shapes = draw_shapes(images, generator)
    opacity = uniform(len(images), 0.4, 1.0, generator).to(images).view(-1, 1, 1, 1)
    alpha = shapes.cover[:, None] * opacity
    filling = draw_fillings(images, shapes.slope, generator)
    pixels = (images * (1 - alpha) + filling * alpha).clamp(0, 1)
    return Flawed(pixels, (pixels - images).abs().mean(1) > _VISIBLE_CHANGE)
