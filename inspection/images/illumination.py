"""Illumination treatments: what is left of an image when the lamp is taken out of it.

On magnetic tiles a flat field is worth more than any refinement of the scoring; on screws it does harm. The treatment
therefore belongs to the recipe and the bundle, and is chosen from the unlabeled images alone.
"""

from enum import StrEnum

import cv2
import numpy as np

from inspection.images.decode import Image

_MID_GREY = 128.0
_GREYS_PER_DEVIATION = 40.0
_FIELD_SIGMA = 24 / 256
"""Width of the flat field's Gaussian, as a part of the image's shorter side."""


class Illumination(StrEnum):
    NONE = "none"
    GAIN = "gain"
    FLAT_FIELD = "flat_field"


def treat(image: Image, illumination: Illumination) -> Image:
    """Apply a treatment to uint8 [H, W, C]; the result is uint8 of the same shape."""
    if illumination is Illumination.GAIN:
        return _even_gain(image)
    if illumination is Illumination.FLAT_FIELD:
        return _flat_field(image)
    return image


def _even_gain(image: Image) -> Image:
    """Bring every image to the same mean grey: undoes exposure, keeps gradients of light."""
    mean = max(float(image.mean()), 1.0)
    return cv2.convertScaleAbs(image, alpha=_MID_GREY / mean).reshape(image.shape)


def _flat_field(image: Image) -> Image:
    """(image - wide Gaussian mean) / local deviation, around mid grey: undoes gradients of light too.

    The deviation is shared by the channels so that hues survive.
    """
    pixels = image.astype(np.float32)
    residue = pixels - _wide_mean(pixels)
    power = np.square(residue).mean(axis=2, keepdims=True)
    deviation = np.sqrt(_wide_mean(power)) + 1.0
    levelled: np.ndarray = np.rint(_MID_GREY + _GREYS_PER_DEVIATION * residue / deviation)
    return levelled.clip(0, 255).astype(np.uint8)


def _wide_mean(pixels: np.ndarray) -> np.ndarray:
    # A Gaussian this wide carries no fine detail: a quarter of the resolution gives the same field, 16 times cheaper.
    height, width = pixels.shape[:2]
    small_size = (max(width // 4, 1), max(height // 4, 1))
    small = cv2.resize(pixels, small_size, interpolation=cv2.INTER_AREA)
    sigma = _FIELD_SIGMA * min(small_size)
    field = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    full: np.ndarray = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
    return full.reshape(pixels.shape)
