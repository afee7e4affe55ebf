"""An image of the record as a browser can show it."""

import cv2

from inspection.errors import ImageError
from inspection.images.decode import decode_image, encode_png
from service.errors import NotFound
from service.web.media import media_type_of

THUMBNAIL_PX = 360


def render_picture(data: bytes, *, significant_bits: int, longest_px: int | None = None) -> tuple[bytes, str]:
    """(bytes, media type), 8 bits deep, made smaller where `longest_px` says so. Raises NotFound for a damaged image.

    Browsers show 8-bit PNG, JPEG and BMP by themselves; TIFF not at all, and 16 bits of a 12-bit camera as black.
    """
    kind = media_type_of(data)
    if longest_px is None and kind in ("image/jpeg", "image/bmp", "image/png") and not _is_deep_png(data, kind):
        return data, kind
    try:
        image = decode_image(data, significant_bits=significant_bits)
    except ImageError as error:
        raise NotFound(str(error.problem), "there is nothing to show; see the inspection's `detail`") from None
    scale = 1.0 if longest_px is None else min(1.0, longest_px / max(image.shape[:2]))
    if scale < 1.0:
        size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    return encode_png(image), "image/png"


def _is_deep_png(data: bytes, kind: str) -> bool:
    return kind == "image/png" and len(data) > 24 and data[24] == 16
