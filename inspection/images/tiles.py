"""Tiles: a large image cut in overlapping squares, each one input of the student, and their maps stitched again.

Positions are whole cells of the anomaly map apart, so that stitching moves no value between cells, and a defect on a
seam keeps its peak.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from inspection.config import Settings
from inspection.images.decode import Image

_GRAIN = 16
"""Tiles lie a multiple of so many pixels of the student's input apart: whole cells at any stride up to it."""
_NEXT_TO_NOTHING = np.float32(1e-6)


class Tiling(Settings):
    """How a large image is cut. Part of the preprocessing, of training and station alike."""

    tile_px: Annotated[int, Field(ge=32, le=8192)] = 512
    """Side of the square tiles in pixels of the camera's image; the image's shorter side where that is less."""
    overlap: Annotated[float, Field(ge=0.125, le=0.5)] = 0.25
    """Least part of a tile that its neighbour shows too: what is smaller than that is whole in one of them."""


@dataclass(frozen=True, slots=True)
class TileLayout:
    """Where the tiles of one image lie, in its pixels: `side_px` squares at all pairs of `left_px` and `top_px`, row by
    row. The last ones may reach beyond the image, by less than a tenth of a tile; what is there mirrors its edge."""

    width_px: int
    height_px: int
    side_px: int
    left_px: tuple[int, ...]
    top_px: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.left_px) * len(self.top_px)

    def overlap_px(self, starts: tuple[int, ...]) -> int:
        """What neighbours share at least, along one side."""
        return self.side_px - max((after - before for before, after in pairwise(starts)), default=self.side_px)

    @property
    def places(self) -> list[tuple[int, int]]:
        """(left, top) of each tile."""
        return [(left, top) for top in self.top_px for left in self.left_px]


def lay_tiles(width_px: int, height_px: int, tiling: Tiling, input_px: int) -> TileLayout:
    """The fewest tiles that cover an image with at least the overlap asked for, evenly spread."""
    grains = input_px // _GRAIN
    side = min(tiling.tile_px, width_px, height_px)
    side += -side % grains
    grain = side // grains
    step = max(int(side * (1 - tiling.overlap)) // grain, 1)
    return TileLayout(
        width_px, height_px, side, _spread(width_px, side, grain, step), _spread(height_px, side, grain, step)
    )


def cut_tiles(image: Image, layout: TileLayout) -> list[Image]:
    """The tiles of uint8 [H, W, C], each [side_px, side_px, C]; views of the image where it need not be mirrored."""
    height, width, channels = image.shape
    right = max(layout.left_px[-1] + layout.side_px - width, 0)
    below = max(layout.top_px[-1] + layout.side_px - height, 0)
    if right or below:
        mirrored = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REFLECT_101)
        image = mirrored.reshape(height + below, width + right, channels)
    side = layout.side_px
    return [image[top : top + side, left : left + side] for left, top in layout.places]


def stitch_maps(maps: np.ndarray, layout: TileLayout) -> np.ndarray:
    """The tiles' maps, float [T, h, w], as one map of the whole image, float32.

    Where tiles overlap, each counts the more the farther a cell lies from its edge; at the edge itself, where it does
    not see the surroundings, not at all.
    """
    rows, columns = maps.shape[1:]
    down, across = layout.side_px / rows, layout.side_px / columns
    weight = np.outer(
        _ramp(rows, layout.overlap_px(layout.top_px) / down), _ramp(columns, layout.overlap_px(layout.left_px) / across)
    )
    shape = round(layout.top_px[-1] / down) + rows, round(layout.left_px[-1] / across) + columns
    total, weights = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for tile, (left, top) in zip(maps, layout.places, strict=True):
        y, x = round(top / down), round(left / across)
        total[y : y + rows, x : x + columns] += weight * tile
        weights[y : y + rows, x : x + columns] += weight
    stitched: np.ndarray = total / weights
    return stitched[: ceil(layout.height_px / down), : ceil(layout.width_px / across)]


def stitch_all(maps: np.ndarray, layouts: Sequence[TileLayout]) -> list[np.ndarray]:
    """The maps of several images, whose tiles follow each other in float [T, h, w]."""
    ends = np.cumsum([len(layout) for layout in layouts])
    return [stitch_maps(maps[end - len(layout) : end], layout) for end, layout in zip(ends, layouts, strict=True)]


def _spread(length: int, side: int, grain: int, step: int) -> tuple[int, ...]:
    """Starts of tiles along a length, in multiples of `grain` px and at most `step` grains apart."""
    span = ceil(max(length - side, 0) / grain)
    gaps = ceil(span / step)
    return tuple(place * span // gaps * grain for place in range(gaps + 1)) if gaps else (0,)


def _ramp(count: int, overlap: float) -> np.ndarray:
    """What each of `count` cells counts, float32: next to nothing in the outer quarter of the overlap, then ever more.

    Never nothing at all: along the image's own edge there is no other tile.
    """
    places = np.arange(count, dtype=np.float32) + 0.5
    inward = np.minimum(places, count - places) - np.float32(overlap / 4)
    counts: np.ndarray = np.maximum(inward, _NEXT_TO_NOTHING)
    return counts
