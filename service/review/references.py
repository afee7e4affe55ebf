"""What good looks like: of the parts that passed, those whose pictures look most like this one's.

Likeness is the correlation of small grey pictures: pose, light and lot decide it, and a small defect does not, which is
what a person wants beside a part that was flagged.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from inspection.errors import ImageError, StorageError
from inspection.images.decode import decode_image
from service.db.tables import StoredInspection
from service.errors import NotFound
from service.images.image_store import ImageStore

SHOWN_COUNT = 3
_SIDE_PX = 32
# By content, which never changes: a shift looks at the same good parts again and again.
_KNOWN_COUNT = 2048
_known: dict[tuple[str, int], np.ndarray] = {}


def nearest(
    row: StoredInspection, passed: Sequence[StoredInspection], store: ImageStore, *, significant_bits: int
) -> list[StoredInspection]:
    """Up to three of `passed`, the most alike first; the newest where `row` has no picture."""
    own = _describe(store, row.image_sha256, significant_bits)
    if own is None:
        return list(passed[:SHOWN_COUNT])
    found = [(one, _describe(store, one.image_sha256, significant_bits)) for one in passed]
    likeness = [(float(own @ other), one) for one, other in found if other is not None]
    return [one for _, one in sorted(likeness, key=lambda pair: -pair[0])[:SHOWN_COUNT]]


def _describe(store: ImageStore, sha256: str | None, significant_bits: int) -> np.ndarray | None:
    """float32 [1024] of length 1; None where there is no picture any more, or never was."""
    if sha256 is None:
        return None
    key = (sha256, significant_bits)
    if key in _known:
        return _known[key]
    try:
        image = decode_image(store.get(sha256), significant_bits=significant_bits)
    except (NotFound, StorageError, ImageError):
        return None
    grey = image[:, :, 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    centred: np.ndarray = small - small.mean()
    if len(_known) >= _KNOWN_COUNT:
        _known.clear()
    _known[key] = centred / max(float(np.linalg.norm(centred)), 1e-6)
    return _known[key]
