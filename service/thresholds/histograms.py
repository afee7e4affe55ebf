"""How scores of confirmed, false alarm and unaudited parts lie: counts in bins, for the page to draw."""

from dataclasses import dataclass

import numpy as np

from inspection.calibration.thresholds import Limits
from service.thresholds.evidence import Evidence

BIN_COUNT = 64


@dataclass(frozen=True, slots=True)
class Histogram:
    """Of one score, from `low` to `high` in equal bins; what lies beyond is in the bin at the end."""

    low: float
    high: float
    unaudited: list[int]
    false_alarm: list[int]
    confirmed: list[int]

    @property
    def edges(self) -> list[float]:
        return [float(edge) for edge in np.linspace(self.low, self.high, len(self.unaudited) + 1)]


def histograms_of(evidence: Evidence, limits: tuple[Limits, Limits]) -> tuple[Histogram, Histogram]:
    """Of the local and of the global score; both limits lie within the range of each."""
    stream, decided = evidence.stream, evidence.decided
    good = ~evidence.is_defective
    return (
        _histogram(stream.local[evidence.stream_truth == 0], decided.local, good, limits[0]),
        _histogram(stream.global_[evidence.stream_truth == 0], decided.global_, good, limits[1]),
    )


def _histogram(unaudited: np.ndarray, decided: np.ndarray, is_good: np.ndarray, limits: Limits) -> Histogram:
    everything = np.concatenate([unaudited, decided, [limits.pass_limit, limits.fail_limit]])
    # A few wild scores must not squeeze all others into one bin.
    low = min(float(np.quantile(everything, 0.001)), limits.pass_limit)
    high = max(float(np.quantile(everything, 0.995)), limits.fail_limit)
    margin = max((high - low) * 0.08, 1e-6)
    low, high = low - margin, high + margin

    def counts(values: np.ndarray) -> list[int]:
        return [int(count) for count in np.histogram(np.clip(values, low, high), BIN_COUNT, (low, high))[0]]

    return Histogram(low, high, counts(unaudited), counts(decided[is_good]), counts(decided[~is_good]))
