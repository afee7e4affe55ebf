"""What limits would mean: escapes, overkill and review time, each with its interval, from one half of the evidence."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from inspection.calibration.intervals import interval_of_rate
from inspection.calibration.policy import Thresholds
from service.thresholds.evidence import Evidence

DEFECTIVE = 2


@dataclass(frozen=True, slots=True)
class Costs:
    """What a plant pays, in its own money, and how much of what it has."""

    escape: float
    overkill: float
    hour: float
    review_s: float
    parts_per_shift: float

    @property
    def review(self) -> float:
        """Of one held part."""
        return self.hour * self.review_s / 3600


class Estimate(NamedTuple):
    """A figure and its 95 % interval; None where nothing is known of it."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Estimate":
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one pair of limits on one half."""

    part_count: int
    """Of the stream."""
    defect_count: int
    drawn_count: int
    escape_rate: Estimate | None
    """Defective parts that would pass, over defective parts."""
    overkill_rate: Estimate | None
    """Good parts that would fail, over good parts; parts that nobody decided about count as good."""
    held_share: Estimate | None
    escapes_per_shift: Estimate | None
    overkill_per_shift: Estimate | None
    review_min_per_shift: Estimate | None
    cost_per_shift: Estimate | None
    """The sum of what escapes, overkill and review cost; its interval is the sum of theirs, which is too wide if
    anything."""
    known_escape_ids: list[int]
    """Parts that a person called defective and that would pass: the most suspicious first."""


_KNOWN_ESCAPES_SHOWN = 12


def estimate(evidence: Evidence, limits: Thresholds, costs: Costs) -> Figures:
    """Figures of `limits` on what `evidence` holds: give it one half."""
    passes = evidence.decided.passes(limits)
    escaped = passes & evidence.is_defective
    weights = evidence.weights
    escape_rate = _share(weights[evidence.is_defective], escaped[evidence.is_defective])
    escape_share = _share(weights, escaped)
    overkill_rate, overkill_share = _overkill(evidence, limits)
    held = ~evidence.stream.passes(limits) & ~evidence.stream.fails(limits)
    held_share = _counted(held)
    escapes = _scaled(escape_share, costs.parts_per_shift * float(weights.sum()))
    overkill = _scaled(overkill_share, costs.parts_per_shift)
    minutes = _scaled(held_share, costs.parts_per_shift * costs.review_s / 60)
    return Figures(
        part_count=len(evidence.stream),
        defect_count=evidence.defect_count,
        drawn_count=evidence.drawn_count,
        escape_rate=escape_rate,
        overkill_rate=overkill_rate,
        held_share=held_share,
        escapes_per_shift=escapes,
        overkill_per_shift=overkill,
        review_min_per_shift=minutes,
        cost_per_shift=_cost((escapes, costs.escape), (overkill, costs.overkill), (minutes, costs.hour / 60)),
        known_escape_ids=_worst_first(evidence, escaped),
    )


def _overkill(evidence: Evidence, limits: Thresholds) -> tuple[Estimate | None, Estimate | None]:
    """(over good parts, over all parts)."""
    good = evidence.stream_truth != DEFECTIVE
    failed = evidence.stream.fails(limits)
    return _counted(failed[good]), _counted(failed & good)


def _counted(hits: np.ndarray) -> Estimate | None:
    """The share of bool [n] that is set."""
    if not len(hits):
        return None
    count, total = int(hits.sum()), len(hits)
    return Estimate(count / total, *interval_of_rate(count, total))


def _share(weights: np.ndarray, hits: np.ndarray) -> Estimate | None:
    """The weighted share of `hits`, bool [n], with weights [n] of any sum.

    Interval of Clopper and Pearson on the effective number of parts, as Korn and Graubard (Survey Methodology 24, 1998)
    have it for few hits, with Kish's effective number (sum of weights)^2 / sum of squared weights.
    """
    total = float(weights.sum())
    if total <= 0:
        return None
    share = float(weights[hits].sum()) / total
    effective = total**2 / float((weights**2).sum())
    return Estimate(share, *interval_of_rate(share * effective, effective))


def _scaled(share: Estimate | None, factor: float) -> Estimate | None:
    return None if share is None else share.times(factor)


def _cost(*parts: tuple[Estimate | None, float]) -> Estimate | None:
    known = [one.times(price) for one, price in parts if one is not None]
    if len(known) < len(parts):
        return None
    return Estimate(*(sum(values) for values in zip(*known, strict=True)))


def _worst_first(evidence: Evidence, escaped: np.ndarray) -> list[int]:
    scores = evidence.decided.local[escaped]
    ids = evidence.decided.ids[escaped]
    return [int(number) for number in ids[np.argsort(-scores, kind="stable")][:_KNOWN_ESCAPES_SHOWN]]
