"""What a picture looks like, in a few numbers: its coarse structure, brightness, contrast and sharpness."""

import cv2
import numpy as np

from inspection.errors import ImageError
from inspection.images.decode import decode_image
from inspection.images.quality import measure_sharpness
from service.nightly.guard.candidate import Look

_THUMBNAIL_PX = 32
_WAVES = 8


def look_at(data: bytes, *, name: str, significant_bits: int) -> Look | None:
    """Look at an image file; None where it cannot be decoded.

    The fingerprint holds the 64 lowest waves of a 32 x 32 thumbnail's cosine transform, scaled so that the distance of
    two fingerprints is the root mean square difference of the smoothed thumbnails in grey values. It is a perceptual
    hash before its cut to bits: parts of one line look alike, and bits would make all of them one.
    """
    try:
        image = decode_image(data, name=name, significant_bits=significant_bits)
    except ImageError:
        return None
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] == 3 else image[:, :, 0]
    thumbnail = cv2.resize(grey.astype(np.float32), (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(thumbnail)[:_WAVES, :_WAVES] / _THUMBNAIL_PX
    return Look(
        fingerprint=waves.reshape(-1).astype(np.float32),
        mean=float(grey.mean()),
        deviation=float(grey.std()),
        sharpness=measure_sharpness(image),
    )
