"""Comparing arms over seeds: means, spreads and paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.stats import t as student

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Summary:
    """Mean over seeds and standard deviation between them; the latter is None for one seed."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class Difference:
    """Mean of the differences seed by seed, and its 95 % interval by Student's t; None for one seed."""

    mean: float
    low: float | None
    high: float | None


def summarise(figures: Sequence[float]) -> Summary:
    return Summary(fmean(figures), stdev(figures) if len(figures) > 1 else None)


def paired_difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    """`after` less `before`, pair by pair: runs of one seed share start weights and images."""
    summary = summarise([second - first for first, second in zip(before, after, strict=True)])
    if summary.deviation is None:
        return Difference(summary.mean, None, None)
    count = len(before)
    reach = float(student.ppf((1 + _CONFIDENCE) / 2, count - 1)) * summary.deviation / count**0.5
    return Difference(summary.mean, summary.mean - reach, summary.mean + reach)
