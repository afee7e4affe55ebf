"""Pictures that differ from their station's others in brightness, contrast or sharpness."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.nightly.guard.candidate import Look

_MEASURES = ("mean", "deviation", "sharpness")
_LEAST_COUNT = 20
# The median absolute deviation of a normal distribution, in standard deviations.
_MAD = 0.6745


class Outlier(NamedTuple):
    """`place` among the looks, what stands out, and by how many robust deviations."""

    place: int
    measure: str
    deviations: float


def find_outliers(looks: Sequence[Look], deviations: float) -> list[Outlier]:
    """Of one station's pictures, by the measure that stands out most; none among fewer than 20."""
    if len(looks) < _LEAST_COUNT:
        return []
    values = np.array([[getattr(look, name) for name in _MEASURES] for look in looks])
    # Sharpness is a variance: its ratio counts, not its difference.
    values[:, 2] = np.log(values[:, 2] + 1.0)
    median = np.median(values, axis=0)
    spread = np.maximum(np.median(np.abs(values - median), axis=0) / _MAD, 1e-3)
    apart = np.abs(values - median) / spread
    worst = apart.argmax(axis=1)
    return [
        Outlier(place, _MEASURES[worst[place]], float(apart[place, worst[place]]))
        for place in range(len(looks))
        if apart[place, worst[place]] > deviations
    ]
