"""Where a labeled picture's defect is: the one size at which maps and masks are compared, pixel by pixel."""

import cv2
import numpy as np

from inspection.images.decode import read_image
from inspection.images.folders import LabeledPicture

MASK_PX = 256


def read_mask(picture: LabeledPicture) -> np.ndarray:
    """The defect's pixels, bool [MASK_PX, MASK_PX]; none where the picture has no mask. Raises ImageError."""
    if picture.mask is None:
        return np.zeros((MASK_PX, MASK_PX), bool)
    marked = cv2.resize(read_image(picture.mask)[:, :, 0], (MASK_PX, MASK_PX), interpolation=cv2.INTER_NEAREST)
    mask: np.ndarray = marked > 0
    return mask
