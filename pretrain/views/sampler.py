"""Drawing a batch of views: where each looks (geometry), then how it is lit (photometry)."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.precision import in_full_precision
from pretrain.processes.one_batch import current_share
from pretrain.recipe import ViewsRecipe
from pretrain.views.photometry import jitter

_MAX_ASPECT = 4 / 3


@dataclass(frozen=True)
class Views:
    """B views: `pixels` float [B, 3 or 1, V, V] in 0..1; `placement` [B, 2, 3] from view to image, both in -1..1."""

    pixels: Tensor
    placement: Tensor


@in_full_precision
def draw_views(images: Tensor, recipe: ViewsRecipe, generator: torch.Generator, *, small: bool = False) -> Views:
    """One random view of each image, whole or small: images float [B, 3 or 1, S, S] in 0..1."""
    share, count = current_share(), len(images)
    view_px = recipe.small_px if small else recipe.view_px
    areas = recipe.small_area if small else (recipe.min_area, recipe.max_area)
    whole = _draw_placement(count * share.count, areas, recipe.flip, generator)
    placement = whole[share.rows(count)].to(images.device, non_blocking=True)
    pixels = render(halved(images, whole, view_px), placement, view_px)
    lit = jitter(pixels, recipe, generator).contiguous(memory_format=torch.channels_last)
    return Views(lit, placement)


def halved(images: Tensor, placement: Tensor, view_px: int) -> Tensor:
    """Images [B, 3 or 1, S, S] averaged down where sampling them would alias: at less than half of their resolution.

    `placement` is that of the whole batch, whose images are all treated alike.
    """
    while images.shape[-1] >= 2 * view_px and bool((placement[:, 0, 0].abs() > 0.7).all()):
        images = F.avg_pool2d(images, 2)
    return images


def render(images: Tensor, placement: Tensor, view_px: int) -> Tensor:
    """The part of each image that its placement names, [B, 3 or 1, view_px, view_px]."""
    grid = F.affine_grid(placement, [*images.shape[:2], view_px, view_px], align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _draw_placement(count: int, areas: tuple[float, float], flip: bool, generator: torch.Generator) -> Tensor:
    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    area = uniform(*areas)
    # A large view is nearly square: no side may be longer than the image's, nor the view smaller than its area.
    aspect = (uniform(-1, 1) * torch.clamp(-area.log(), max=math.log(_MAX_ASPECT))).exp()
    width = (area * aspect).sqrt().clamp(max=1)
    height = (area / aspect).sqrt().clamp(max=1)
    centre_x = uniform(-1, 1) * (1 - width)
    centre_y = uniform(-1, 1) * (1 - height)
    if flip:
        width = width * torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    zero = torch.zeros(count)
    return torch.stack([torch.stack([width, zero, centre_x], 1), torch.stack([zero, height, centre_y], 1)], 1)
