"""What a synthetic flaw shows: something that does not belong where it lies."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.flaws.draws import smooth_noise, uniform, whole
from pretrain.processes.one_batch import row_before


def draw_fillings(images: Tensor, slope: Tensor, generator: torch.Generator) -> Tensor:
    """What each flaw shows, [B, 3, S, S], drawn evenly from five kinds: a piece of another image (CutPaste, NSA), a
    foreign texture (DRAEM), a blurred surface, another brightness, and a relief. Images float [B, 3, S, S] in 0..1,
    slope [B, S, S] as `Shapes` gives it."""
    count, _, side, _ = images.shape
    shift = int(torch.randint(side // 4, 3 * side // 4, (1,), generator=generator))
    pasted = row_before(images).roll((shift, shift), dims=(2, 3)).flip(3)
    noise = smooth_noise(images, 4, generator)[:, None]
    textured = images.mean(dim=(2, 3), keepdim=True) + 0.25 * noise
    change = uniform(count, 0.12, 0.5, generator) * (1 - 2.0 * whole(count, 2, generator))
    change = change.to(images).view(-1, 1, 1, 1)
    small = F.avg_pool2d(images, 8)
    blurred = F.interpolate(small, size=(side, side), mode="bilinear", align_corners=False)
    kind = whole(count, 5, generator).to(images.device).view(-1, 1, 1, 1)
    # A dent or bump is lit on one side and shaded on the other.
    shaded = images + change * torch.where(kind == 4, slope[:, None], torch.ones_like(slope[:, None]))
    return torch.where(kind == 0, pasted, torch.where(kind == 1, textured, torch.where(kind == 2, blurred, shaded)))
