"""Synthetic flaws: copies of an image that differ in one place, as a defect would.

Each flaw is a soft shape (blob, scratch or stain) filled with something that does not belong there: a piece of another
image (CutPaste, NSA), a foreign texture (DRAEM), another brightness, or a blurred surface. They are stand-ins: they
teach and test *where* a surface changed, and never count as real defects.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.one_batch import draw_rows, row_before
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
    shape, slope = _draw_shapes(images, generator)
    opacity = _uniform(len(images), 0.4, 1.0, generator).to(images).view(-1, 1, 1, 1)
    alpha = shape[:, None] * opacity
    pixels = (images * (1 - alpha) + _draw_fillings(images, slope, generator) * alpha).clamp(0, 1)
    return Flawed(pixels, (pixels - images).abs().mean(1) > _VISIBLE_CHANGE)


def _draw_shapes(images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Soft shapes [B, S, S] in 0..1: blobs, bent scratches and ragged stains in random places, sizes and turns.

    With each comes its slope [B, S, S]: -1 at one end of the shape, 1 at the other.
    """
    count, side = len(images), images.shape[-1]

    def uniform(low: float, high: float) -> Tensor:
        return _uniform(count, low, high, generator).to(images).view(-1, 1, 1)

    axis = torch.linspace(-1, 1, side).to(images)
    x = axis.view(1, 1, -1) - uniform(-0.85, 0.85)
    y = axis.view(1, -1, 1) - uniform(-0.85, 0.85)
    angle = uniform(0, torch.pi)
    along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    kind = _whole(count, 3, generator).to(images.device).view(-1, 1, 1)
    is_scratch, is_stain = kind == 1, kind == 2
    # Sizes are log-uniform: small flaws are the ones that escape.
    size = torch.exp(uniform(-3.5, -1.2))
    thickness = torch.exp(uniform(-4.5, -3.5))
    half_length = torch.where(is_scratch, size * 4, size)
    half_width = torch.where(is_scratch, thickness, size * uniform(0.5, 1))
    bent = across + torch.where(is_scratch, uniform(-1, 1) * along**2, 0.0)
    ragged = _smooth_noise(images, 16, generator) * torch.where(is_stain, 1.2, 0.3)
    radius = (along / half_length) ** 2 + (bent / half_width) ** 2
    softness = torch.where(is_scratch, 0.4, uniform(0.1, 0.7))
    return torch.sigmoid((1 + ragged * ~is_scratch - radius) / softness), (along / half_length).clamp(-1, 1)


def _draw_fillings(images: Tensor, slope: Tensor, generator: torch.Generator) -> Tensor:
    """What each flaw shows, [B, 3, S, S], drawn evenly from five kinds."""
    count, _, side, _ = images.shape
    shift = int(torch.randint(side // 4, 3 * side // 4, (1,), generator=generator))
    pasted = row_before(images).roll((shift, shift), dims=(2, 3)).flip(3)
    noise = _smooth_noise(images, 4, generator)[:, None]
    textured = images.mean(dim=(2, 3), keepdim=True) + 0.25 * noise
    change = _uniform(count, 0.12, 0.5, generator) * (1 - 2.0 * _whole(count, 2, generator))
    change = change.to(images).view(-1, 1, 1, 1)
    small = F.avg_pool2d(images, 8)
    blurred = F.interpolate(small, size=(side, side), mode="bilinear", align_corners=False)
    kind = _whole(count, 5, generator).to(images.device).view(-1, 1, 1, 1)
    # A dent or bump is lit on one side and shaded on the other.
    relief = images + change * torch.where(kind == 4, slope[:, None], torch.ones_like(slope[:, None]))
    return torch.where(kind == 0, pasted, torch.where(kind == 1, textured, torch.where(kind == 2, blurred, relief)))


def _smooth_noise(images: Tensor, grain_px: int, generator: torch.Generator) -> Tensor:
    """Noise [B, S, S] of deviation about 1, as large as the images, whose grains are `grain_px` wide."""
    side = images.shape[-1]
    cells = max(side // grain_px, 2)
    coarse = draw_rows(len(images), lambda count: torch.randn(count, 1, cells, cells, generator=generator))
    return F.interpolate(coarse.to(images), size=(side, side), mode="bicubic", align_corners=False)[:, 0]


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * draw_rows(count, lambda whole: torch.rand(whole, generator=generator))


def _whole(count: int, kinds: int, generator: torch.Generator) -> Tensor:
    """Whole numbers from 0 to `kinds` - 1."""
    return draw_rows(count, lambda whole: torch.randint(0, kinds, (whole,), generator=generator))
