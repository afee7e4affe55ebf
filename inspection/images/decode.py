"""Bytes of a camera to an array of uint8: the only decoder of the project."""

from pathlib import Path

import cv2
import numpy as np

from inspection.errors import ImageError, ImageSizeError, UndecodableImage
from inspection.images.header import read_size
from inspection.images.wholeness import is_whole

# A bad image is told in one line of ours; OpenCV's own lines would stand around it.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

MIN_SIDE_PX = 16
MAX_PIXEL_COUNT = 100_000_000

Image = np.ndarray
"""uint8, [H, W, 1] grey or [H, W, 3] RGB."""


def decode_image(data: bytes, *, name: str = "image", significant_bits: int = 16) -> Image:
    """Decode PNG, JPEG, BMP or TIFF bytes, 8 or 16 bits, grey or colour.

    `significant_bits` is how many bits of a 16-bit image the camera fills (12 for most machine-vision sensors).
    Returns uint8 [H, W, 1] or [H, W, 3] (RGB). Raises UndecodableImage, or ImageSizeError before any pixel is decoded.
    """
    size = read_size(data)
    if size is None:
        raise UndecodableImage(f"{name}: not a PNG, JPEG, BMP or TIFF image", "send one of these formats")
    _check_size(*size, name)
    raw = _decode_raw(data) if is_whole(data) else None
    if raw is None:
        raise UndecodableImage(f"{name}: the image is damaged or cut short", "send the whole file again")
    _check_size(raw.shape[1], raw.shape[0], name)
    return _to_rgb_or_grey(_to_8_bits(raw, significant_bits, name))


def read_image(path: Path, *, significant_bits: int = 16) -> Image:
    """Read and decode one file; errors name its path."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}", "make the file readable or remove it") from None
    return decode_image(data, name=str(path), significant_bits=significant_bits)


def encode_png(image: Image) -> bytes:
    """PNG bytes of a grey or RGB uint8 image."""
    pixels = image if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", pixels)[1].tobytes()


def _decode_raw(data: bytes) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None


def _check_size(width: int, height: int, name: str) -> None:
    if min(width, height) < MIN_SIDE_PX:
        raise ImageSizeError(
            f"{name}: {width}x{height} pixels is too small",
            f"send at least {MIN_SIDE_PX}x{MIN_SIDE_PX} pixels",
        )
    if width * height > MAX_PIXEL_COUNT:
        limit = MAX_PIXEL_COUNT // 1_000_000
        raise ImageSizeError(
            f"{name}: {width}x{height} pixels is too large",
            f"send at most {limit} million pixels, or cut it in tiles",
        )


def _to_8_bits(raw: np.ndarray, significant_bits: int, name: str) -> np.ndarray:
    if raw.dtype == np.uint8:
        return raw
    if raw.dtype == np.uint16:
        scale = 255.0 / (2**significant_bits - 1)
        return cv2.convertScaleAbs(raw, alpha=scale)
    raise UndecodableImage(f"{name}: pixels of type {raw.dtype}", "send 8- or 16-bit unsigned pixels")


def _to_rgb_or_grey(pixels: np.ndarray) -> Image:
    if pixels.ndim == 2:
        return pixels[:, :, None]
    if pixels.shape[2] == 4:
        return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
