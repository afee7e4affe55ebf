"""Decoded image to the student's input: the only preprocess of the project, for training and serving alike."""

from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from inspection.config import Settings
from inspection.images.decode import Image
from inspection.images.illumination import Illumination, treat
from inspection.images.tiles import TileLayout, Tiling, cut_tiles, lay_tiles


class Preprocessing(Settings):
    """How an image becomes the student's input. Part of the recipe and of the bundle."""

    input_px: Annotated[int, Field(ge=32, le=2048, multiple_of=32)] = 256
    """Side of the square input."""
    illumination: Illumination = Illumination.NONE
    significant_bits: Annotated[int, Field(ge=8, le=16)] = 16
    """How many bits of a 16-bit image the camera fills."""
    tiles: Annotated[Tiling | None, Field(exclude_if=lambda tiles: tiles is None)] = None
    """Cut every image in overlapping squares and judge each: for strips, and small defects on large parts. None makes
    the whole image one input, and is left unsaid so that older bundles keep their names."""

    def lay_tiles(self, width_px: int, height_px: int) -> TileLayout | None:
        """Where the tiles of an image of that size lie; None where images are not cut."""
        return None if self.tiles is None else lay_tiles(width_px, height_px, self.tiles, self.input_px)


def prepare(image: Image, preprocessing: Preprocessing) -> np.ndarray:
    """uint8 [H, W, 1 or 3] to uint8 [input_px, input_px, 3], resized and with its illumination treated.

    A whole image, or a tile of one: this does not cut.
    """
    side = preprocessing.input_px
    height, width = image.shape[:2]
    # Side by side: OpenCV averages areas only where both shrink, and would sample a long strip between its defects.
    shrunk = cv2.resize(image, (min(width, side), min(height, side)), interpolation=cv2.INTER_AREA)
    resized = cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_LINEAR)
    treated = treat(resized.reshape(side, side, -1), preprocessing.illumination)
    if treated.shape[2] == 1:
        treated = np.repeat(treated, 3, axis=2)
    return np.ascontiguousarray(treated)


def prepare_tiles(image: Image, layout: TileLayout, preprocessing: Preprocessing) -> np.ndarray:
    """The tiles of uint8 [H, W, 1 or 3], each prepared: uint8 [T, input_px, input_px, 3]."""
    return np.stack([prepare(tile, preprocessing) for tile in cut_tiles(image, layout)])
