"""Pictures that are one and the same: a camera that was stuck, a part that was looked at again and again."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

_PAIRS = 512
_USUAL = 0.9


def find_same_frames(fingerprints: Sequence[np.ndarray], ratio: float) -> list[int | None]:
    """For each of one station's pictures, float32 [64] in the order they came: the earlier one it repeats, or None.

    How far two pictures of the station usually lie apart is taken from the pictures themselves: the noise of a stuck
    camera is far less, whatever the product. Only pictures that stay are compared with, so that a slow change never
    becomes one frame.
    """
    count = len(fingerprints)
    repeats: list[int | None] = [None] * count
    if count < 2 or ratio == 0:
        return repeats
    points = np.stack(fingerprints)
    neighbours = KDTree(points).query_pairs(max(ratio * _usual_distance(points), 1e-6), output_type="ndarray")
    earlier: dict[int, list[int]] = {}
    for one, other in neighbours:
        earlier.setdefault(int(max(one, other)), []).append(int(min(one, other)))
    for later in sorted(earlier):
        stays = [place for place in earlier[later] if repeats[place] is None]
        if stays:
            repeats[later] = min(stays)
    return repeats


def _usual_distance(points: np.ndarray) -> float:
    """Of drawn pairs, the distance that nine of ten stay below: some stuck frames among them do not lower it."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(points), (2, _PAIRS))
    apart = np.linalg.norm(points[first] - points[second], axis=1)[first != second]
    return float(np.quantile(apart, _USUAL)) if len(apart) else 0.0
