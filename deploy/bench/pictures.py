"""What the benchmark's cameras send: 256 x 256 JPEGs of about 30 KB, no two alike."""

import cv2
import numpy as np

SIDE_PX = 256
_QUALITY = 93
_TEXTURE_PX = 1024


class PictureSource:
    """Parts of one long strip of brushed metal, each cut elsewhere and marked with a scratch now and then.

    No two have the same pixels: equal ones would share their file in the image store, and cost the service less than a
    line's pictures do.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        rough = self._rng.normal(0, 30, (_TEXTURE_PX, _TEXTURE_PX)).astype(np.float32)
        brushed = cv2.GaussianBlur(rough, (0, 0), sigmaX=3, sigmaY=0.5)
        grain = self._rng.normal(0, 9.5, (_TEXTURE_PX, _TEXTURE_PX, 3)).astype(np.float32)
        self._strip = np.clip(120 + 2 * brushed[:, :, None] + grain, 0, 255).astype(np.uint8)

    def next(self) -> bytes:
        """One JPEG."""
        top, left = self._rng.integers(0, _TEXTURE_PX - SIDE_PX, 2)
        picture = self._strip[top : top + SIDE_PX, left : left + SIDE_PX].copy()
        ends = self._rng.integers(0, SIDE_PX, 4).tolist()
        if self._rng.random() < 0.1:
            cv2.line(picture, (ends[0], ends[1]), (ends[2], ends[3]), (30, 30, 30), 2)
        # The cut alone could come twice.
        picture[: len(ends), 0, 0] = ends
        return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
