"""What scoring compares: the cells of every tap by themselves, each at its own resolution, and of a second look."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import taps_in_batches

MOST_WIDTH = 512
_FITTED_IMAGES, _FITTED_CELLS = 128, 50_000
_SOFTNESS = 0.7
"""Of a tap's typical length: what is this long is brought half of the way to unit length."""
_ROUNDING = 1e-4
"""Of softened lengths."""


class TapEmbedder(nn.Module):
    """Images float [B, 3, H, W] in 0..1 to the cells of each tap, [B, D, h, w]: around zero, of deviation 1 on average.

    The last are those of the coarsest tap once more, on the images at half their size: the same features, which know
    textures and shapes better than deeper ones, with twice the surroundings, for a quarter of the work.

    Lengths are softened rather than made one: v / sqrt(|v|^2 + c^2), where c is a part of the tap's typical length. Of
    unit length, the noise of an empty ground would count as much as an edge; of their own, edges would drown all else.
    One centre and one deviation for a whole tap leave the order of distances between its cells as it is. A tap wider
    than `most_width` is brought to its principal components.
    """

    typical: Tensor
    deviations: Tensor

    def __init__(self, encoder: Encoder, most_width: int = MOST_WIDTH) -> None:
        super().__init__()
        self.encoder = encoder.eval()
        found = (*encoder.tap_widths, encoder.tap_widths[-1])
        self.widths = tuple(min(most_width, width) for width in found)
        self.register_buffer("typical", torch.zeros(len(self.widths)))
        self.register_buffer("deviations", torch.ones(len(self.widths)))
        self._centres = nn.ParameterList(
            nn.Parameter(torch.zeros(width, 1, 1), requires_grad=False) for width in self.widths
        )
        self._projections = nn.ModuleList(
            nn.Identity() if kept == width else nn.Conv2d(width, kept, 1, bias=False).requires_grad_(False)
            for kept, width in zip(self.widths, found, strict=True)
        )
        self.to(next(encoder.parameters()).device)

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the first look's taps, in pixels of the images."""
        return tuple(self.encoder.recipe.taps)

    @torch.no_grad()
    def fit(self, pixels: Tensor, generator: torch.Generator) -> float:
        """Learn lengths and components from normal images, uint8 [N, S, S, 3]; returns the share of the cells' variance
        that is kept, of the tap that keeps least."""
        chosen = torch.randperm(len(pixels), generator=generator)[:_FITTED_IMAGES]
        taps = taps_in_batches(self._look_twice, pixels[chosen], self.typical.device)
        shares = [self._fit_tap(number, maps, generator) for number, maps in enumerate(taps)]
        return min(shares)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        taps = self._look_twice(images)
        return tuple(
            (project(_soften(maps, typical)) - centre) / deviation
            for project, maps, typical, centre, deviation in zip(
                self._projections,
                taps,
                self.typical.unbind(),
                self._centres,
                self.deviations.unbind(),
                strict=True,
            )
        )

    def _look_twice(self, images: Tensor) -> tuple[Tensor, ...]:
        return *self.encoder.smoothed_taps(images), self.encoder.smoothed_taps(halved(images))[-1]

    def _fit_tap(self, number: int, maps: Tensor, generator: torch.Generator) -> float:
        cells = maps.permute(0, 2, 3, 1).flatten(0, 2)
        cells = cells[torch.randperm(len(cells), generator=generator)[:_FITTED_CELLS]].to(self.typical.device).float()
        self.typical[number] = cells.norm(dim=1).mean()
        cells = _soften(cells, self.typical[number])
        centre, kept = cells.mean(0), self.widths[number]
        variances, directions = torch.linalg.eigh(torch.cov(cells.T))
        variances = variances.flip(0).clamp_min(0)
        # Images without any content have no deviation: nothing is divided by rounding then.
        self.deviations[number] = variances[:kept].mean().sqrt().clamp_min(_ROUNDING)
        projection = self._projections[number]
        if isinstance(projection, nn.Conv2d):
            components = directions.flip(1)[:, :kept].T
            projection.weight.copy_(components[:, :, None, None])
            centre = components @ centre
        self._centres[number].copy_(centre[:, None, None])
        return float(variances[:kept].sum() / variances.sum().clamp_min(1e-12))


def halved(images: Tensor) -> Tensor:
    """[B, C, H, W] at half their size: what the second look sees."""
    return F.avg_pool2d(images, 2)


def join_taps(taps: Sequence[Tensor], at: int = 0) -> Tensor:
    """All taps [B, D, h, w] as one map [B, sum of D, h, w] at the resolution of tap `at`."""
    height, width = taps[at].shape[-2:]
    return torch.cat(
        [maps if number == at else resized(maps, (height, width)) for number, maps in enumerate(taps)], dim=1
    )


def resized(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """[B, D, h, w] to [B, D, *size]."""
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def _soften(features: Tensor, typical: Tensor) -> Tensor:
    squares = features.square().sum(1, keepdim=True) + (_SOFTNESS * typical).square()
    return features * squares.clamp_min(1e-12).rsqrt()
