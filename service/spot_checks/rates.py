"""Rates with their bounds, of parts that were drawn with known probabilities, and how far people agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from sklearn.metrics import cohen_kappa_score

from inspection.calibration.intervals import interval_of_rate, upper_bound_of_rate

CONFIDENCE = 0.95


class Method(StrEnum):
    """How the bounds were found."""

    EXACT = "clopper_pearson"
    """All were drawn with one probability: exact binomial bounds (Clopper and Pearson 1934)."""
    WEIGHTED = "korn_graubard"
    """They were drawn with several: Clopper-Pearson with the effective number of parts, which is that of Kish,
    (sum w)^2 / sum w^2 (Korn and Graubard 1998, Survey Methodology 24; Kish 1965). Approximate, and wider."""


@dataclass(frozen=True, slots=True)
class RateEstimate:
    """`count` of `total` parts that were looked at. `rate` is weighted by how they were drawn, from 0 to 1."""

    count: int
    total: int
    rate: float | None
    """None where nothing was looked at; the bounds are 0 and 1 then."""
    low: float
    high: float
    """Two-sided interval."""
    upper_bound: float
    """One-sided: the rate is at most this, at `confidence`."""
    method: Method
    effective_total: float
    """As many equally drawn parts would say as much."""
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Drawn:
    """Parts that were drawn with the same probability: how many, and how many of them have what is counted."""

    probability: float
    count: int
    total: int


def estimate_rate(drawn: Sequence[Drawn], confidence: float = CONFIDENCE) -> RateEstimate:
    """The share of all parts that the drawn ones stand for (Hajek's ratio of weighted sums), with bounds."""
    groups = [group for group in drawn if group.total]
    count, total = sum(group.count for group in groups), sum(group.total for group in groups)
    weights = np.array([1 / group.probability for group in groups])
    totals = np.array([group.total for group in groups], float)
    counts = np.array([group.count for group in groups], float)
    if not total:
        return RateEstimate(0, 0, None, 0.0, 1.0, 1.0, Method.EXACT, 0.0, confidence)
    rate = float(weights @ counts / (weights @ totals))
    is_equal = np.ptp(weights) <= 1e-9 * weights.max()
    effective = float(total) if is_equal else float((weights @ totals) ** 2 / (weights**2 @ totals))
    low, high = interval_of_rate(rate * effective, effective, confidence)
    return RateEstimate(
        count=count,
        total=total,
        rate=rate,
        low=low,
        high=high,
        upper_bound=upper_bound_of_rate(rate * effective, effective, confidence),
        method=Method.EXACT if is_equal else Method.WEIGHTED,
        effective_total=effective,
        confidence=confidence,
    )


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two looks at the same parts agree. `table[first][second]` counts pairs."""

    pair_count: int
    observed: RateEstimate
    """The share of pairs that say the same."""
    kappa: float | None
    """Cohen's kappa: 1 is full agreement, 0 is as much as by chance. None where chance alone explains everything."""
    kappa_low: float | None
    kappa_high: float | None
    table: Mapping[str, Mapping[str, int]]


def measure_agreement(
    pairs: Sequence[tuple[str, str]], answers: Sequence[str], confidence: float = CONFIDENCE
) -> Agreement:
    """Of (first, second) answers. The interval of kappa is the exact one of the agreement, carried through
    kappa = (observed - expected) / (1 - expected) with the expected agreement as found, so that a few pairs that all
    agree do not claim certainty (Cohen 1960)."""
    table = {first: {second: pairs.count((first, second)) for second in answers} for first in answers}
    same = sum(first == second for first, second in pairs)
    observed = estimate_rate([Drawn(1.0, same, len(pairs))], confidence)
    expected = _expected(table, len(pairs))
    if observed.rate is None or expected >= 1:
        return Agreement(len(pairs), observed, None, None, None, table)
    firsts, seconds = zip(*pairs, strict=True)
    kappa = float(cohen_kappa_score(firsts, seconds, labels=list(answers)))
    low, high = ((bound - expected) / (1 - expected) for bound in (observed.low, observed.high))
    return Agreement(len(pairs), observed, kappa, max(low, -1.0), high, table)


def _expected(table: Mapping[str, Mapping[str, int]], pair_count: int) -> float:
    """The share of pairs that would agree by chance."""
    if not pair_count:
        return 1.0
    return sum(
        sum(row.values()) / pair_count * sum(other[answer] for other in table.values()) / pair_count
        for answer, row in table.items()
    )
