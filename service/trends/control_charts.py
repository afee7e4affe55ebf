"""Control charts over subgroups of parts: the share that is flagged, and weighted means of a score.

The centre and the spread come from the first subgroups, the baseline, and stay: a slow change must not move the limits
that are to show it. Subgroups of thousands of parts vary by more than chance within them says, from lot to lot and hour
to hour; both charts widen their limits by what the baseline itself varies (Laney, Quality Engineering 14, 2002).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy.stats import binom

from service.trends.rules import Rule, broken_rules

BASELINE_COUNT = 20
MIN_BASELINE = 8
# The mean distance of two neighbours, in standard deviations of one.
_MOVING_RANGE = 1.128
# As likely as within three deviations above the centre.
_WITHIN_LIMIT = 0.99865
_FEW = 3.0
_WEIGHT = 0.2
"""Of the newest subgroup in the weighted mean; Roberts (Technometrics 1, 1959)."""


@dataclass(frozen=True, slots=True)
class Point:
    """One subgroup on a chart. Without limits where the baseline is too short."""

    value: float
    centre: float | None = None
    lower: float | None = None
    upper: float | None = None
    rules: tuple[Rule, ...] = ()
    is_baseline: bool = False


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Scores of parts that came together: their number, mean and variance within."""

    count: int
    mean: float
    variance: float


def chart_shares(hits: Sequence[int], totals: Sequence[int]) -> list[Point]:
    """A p-chart with Laney's limits; `totals` are at least 1."""
    shares = [hit / total for hit, total in zip(hits, totals, strict=True)]
    length = _baseline_length(len(shares))
    if length is None:
        return [Point(share) for share in shares]
    centre = _share_above_nothing(sum(hits[:length]), sum(totals[:length]))
    deviations = [math.sqrt(centre * (1 - centre) / total) for total in totals]
    spread = _spread([(share - centre) / one for share, one in zip(shares, deviations, strict=True)][:length])
    limits = [3 * one * spread for one in deviations]
    # Where hardly any part is flagged, the exact limit of a count lies far above the one of the normal distribution.
    exact = binom.ppf(_WITHIN_LIMIT, totals, centre) / totals
    uppers = [min(max(centre + limit, float(one)), 1.0) for limit, one in zip(limits, exact, strict=True)]
    marked = broken_rules(
        [
            3 * (share - centre) / (upper - centre if share > centre else limit)
            for share, upper, limit in zip(shares, uppers, limits, strict=True)
        ]
    )
    return [
        Point(share, centre, max(centre - limit, 0.0), upper, _telling(rules, total * centre), place < length)
        for place, (share, limit, upper, rules, total) in enumerate(
            zip(shares, limits, uppers, marked, totals, strict=True)
        )
    ]


def chart_means(subgroups: Sequence[Subgroup]) -> list[Point]:
    """An exponentially weighted moving average of the means, with the limits of its own growing memory.

    Only the limits mark a point: neighbours on this chart share most of what they are made of, so runs mean nothing.
    """
    length = _baseline_length(len(subgroups))
    average = subgroups[0].mean if subgroups else 0.0
    if length is None:
        points = []
        for one in subgroups:
            average = _WEIGHT * one.mean + (1 - _WEIGHT) * average
            points.append(Point(average))
        return points
    baseline = subgroups[:length]
    count = sum(one.count for one in baseline)
    centre = sum(one.count * one.mean for one in baseline) / count
    within = sum(one.count * one.variance for one in baseline) / count
    errors = [math.sqrt(max(within / one.count, 1e-24)) for one in subgroups]
    spread = _spread([(one.mean - centre) / error for one, error in zip(subgroups, errors, strict=True)][:length])
    average, variance = centre, 0.0
    points = []
    for place, (one, error) in enumerate(zip(subgroups, errors, strict=True)):
        average = _WEIGHT * one.mean + (1 - _WEIGHT) * average
        variance = _WEIGHT**2 * (error * spread) ** 2 + (1 - _WEIGHT) ** 2 * variance
        limit = 3 * math.sqrt(variance)
        rules = (Rule.BEYOND,) if abs(average - centre) > limit else ()
        points.append(Point(average, centre, centre - limit, centre + limit, rules, place < length))
    return points


def _telling(rules: tuple[Rule, ...], expected: float) -> tuple[Rule, ...]:
    """Where fewer than a few flagged parts are expected, most points are 0 and runs of them mean nothing."""
    return rules if expected >= _FEW else tuple(rule for rule in rules if rule is Rule.BEYOND)


def _baseline_length(count: int) -> int | None:
    """None where there are too few subgroups for limits."""
    return None if count < MIN_BASELINE else min(count, BASELINE_COUNT)


def _share_above_nothing(hits: int, total: int) -> float:
    """Half a hit more and half a miss more: a baseline without any must not mark the first one that comes."""
    return (hits + 0.5) / (total + 1)


def _spread(deviations: Sequence[float]) -> float:
    """By how much neighbours differ more than chance within them says; at least 1."""
    ranges = [abs(later - earlier) for earlier, later in pairwise(deviations)]
    return max(sum(ranges) / len(ranges) / _MOVING_RANGE, 1.0)
