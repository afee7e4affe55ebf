"""Where a synthetic flaw lies: blobs, scratches, stains and cracks, soft at their rims."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrain.flaws.draws import smooth_noise, uniform, whole
from pretrain.processes.one_batch import draw_rows

_COURSE_POINTS = 256


@dataclass(frozen=True)
class Shapes:
    """`cover` [B, S, S] in 0..1, and `slope` [B, S, S]: -1 at one end of the shape, 1 at the other."""

    cover: Tensor
    slope: Tensor


def draw_shapes(images: Tensor, generator: torch.Generator) -> Shapes:
    """One shape for each of the images [B, 3, S, S], in random places, sizes and turns.

    Lengths are in half sides and log-uniform: small flaws are the ones that escape, and a shade may cover all.
    """

    count, side = len(images), images.shape[-1]

    def draw(low: float, high: float) -> Tensor:
        return uniform(count, low, high, generator).to(images).view(-1, 1, 1)

    axis = torch.linspace(-1, 1, side).to(images)
    x = axis.view(1, 1, -1) - draw(-0.85, 0.85)
    y = axis.view(1, -1, 1) - draw(-0.85, 0.85)
    angle = draw(0, torch.pi)
    along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    kind = whole(count, 4, generator).to(images.device).view(-1, 1, 1)
    is_stain, is_crack = kind == 2, kind == 3
    is_line = (kind == 1) | is_crack
    size, thickness = draw(-3.5, 0.0).exp(), draw(-4.8, -3.3).exp()
    half_length = torch.where(is_line, draw(-2.0, 0.3).exp(), size)
    half_width = torch.where(is_line, thickness, size * draw(0.4, 1))
    # A scratch is one bow; a crack wanders besides, and opens and closes on its way.
    bow = draw(-1, 1) * along**2
    wander = 0.06 * _course(along, 12, generator) + 0.02 * _course(along, 48, generator)
    bent = across + torch.where(is_line, bow, 0.0) + torch.where(is_crack, wander, 0.0)
    opening = (1 + 0.5 * _course(along, 24, generator)).clamp(0.3, 2)
    half_width = torch.where(is_crack, half_width * opening, half_width)
    ragged = torch.where(is_line, 0.0, smooth_noise(images, 16, generator) * torch.where(is_stain, 1.2, 0.3))
    radius = (along / half_length) ** 2 + (bent / half_width) ** 2
    softness = torch.where(is_line, 0.4, draw(0.1, 0.7))
    return Shapes(torch.sigmoid((1 + ragged - radius) / softness), (along / half_length).clamp(-1, 1))


def _course(along: Tensor, turns: int, generator: torch.Generator) -> Tensor:
    """A random line of about `turns` turns, of deviation about 1, read at each pixel's place along the shape."""
    count, side = len(along), along.shape[-1]
    line = draw_rows(count, lambda whole: torch.randn(whole, 1, turns, generator=generator)).to(along)
    line = F.interpolate(line, size=_COURSE_POINTS, mode="linear", align_corners=False)[:, 0]
    # A shape's ends lie within 1.35 half sides of its middle.
    place = ((along + 1.5) / 3 * (_COURSE_POINTS - 1)).clamp(0, _COURSE_POINTS - 1).long()
    return line.gather(1, place.flatten(1)).view(count, side, side)
