"""Random numbers and textures that flaws are made of: drawn for the whole batch, cut to the rows at hand."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.processes.one_batch import draw_rows


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """`count` numbers between `low` and `high`."""
    return low + (high - low) * draw_rows(count, lambda whole: torch.rand(whole, generator=generator))


def whole(count: int, kinds: int, generator: torch.Generator) -> Tensor:
    """`count` whole numbers from 0 to `kinds` - 1."""
    return draw_rows(count, lambda whole: torch.randint(0, kinds, (whole,), generator=generator))


def smooth_noise(images: Tensor, grain_px: int, generator: torch.Generator) -> Tensor:
    """Noise [B, S, S] of deviation about 1, as large as the images, whose grains are `grain_px` wide."""
    side = images.shape[-1]
    cells = max(side // grain_px, 2)
    coarse = draw_rows(len(images), lambda count: torch.randn(count, 1, cells, cells, generator=generator))
    return F.interpolate(coarse.to(images), size=(side, side), mode="bicubic", align_corners=False)[:, 0]
