"""Random numbers and textures that flaws are made of."""

import torch
import torch.nn.functional as F
from torch import Tensor


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """`count` numbers between `low` and `high`."""
    return low + (high - low) * torch.rand(count, generator=generator)


def smooth_noise(count: int, side: int, grain_px: int, generator: torch.Generator) -> Tensor:
    """Noise [B, S, S] of deviation about 1 whose grains are `grain_px` wide."""
    cells = max(side // grain_px, 2)
    coarse = torch.randn(count, 1, cells, cells, generator=generator)
    return F.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)[:, 0]
