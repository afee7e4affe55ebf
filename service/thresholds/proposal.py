"""The cheapest limits: exact for each score while the other's stay, and both in turns until neither changes.

Where one score passes a part, the other decides: pass at a cost of `passed`, hold, or fail. With the parts sorted by
the deciding score, the cost of any pass limit and that of any fail limit are running sums that do not depend on each
other, so the best pair is found among all n * n at the price of a sort.
"""

from dataclasses import dataclass

import numpy as np

from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from service.thresholds.evidence import Evidence, Scores
from service.thresholds.what_if import DEFECTIVE, Costs

MIN_DEFECTS = 5
MIN_PARTS = 100
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class _Priced:
    """Parts with what each verdict about them costs: float [n] each, already weighted to one part of the line."""

    scores: Scores
    passed: np.ndarray
    held: np.ndarray
    failed: np.ndarray


def is_enough(evidence: Evidence) -> bool:
    """Are there parts enough to propose limits from, or to judge a proposal by?"""
    return evidence.defect_count >= MIN_DEFECTS and len(evidence.stream) >= MIN_PARTS


def propose(evidence: Evidence, start: Thresholds, costs: Costs) -> Thresholds:
    """The cheapest limits on what `evidence` holds, which should be the fitting half. Among equals the nearest ones.

    Begun from `start`, and from where only one of the scores decides: a score that holds everything would hide from the
    other what it could do.
    """
    priced = _price(evidence, costs)
    opened = [
        start,
        start.model_copy(update={"global_score": _open(priced.scores.global_)}),
        start.model_copy(update={"local_score": _open(priced.scores.local)}),
    ]
    found = [_descend(priced, one) for one in opened]
    # The first of equally cheap ones is the nearest to today's.
    return min(found, key=lambda limits: round(_cost(priced, limits), 12))


def _descend(priced: _Priced, start: Thresholds) -> Thresholds:
    chosen = start
    for _ in range(_ROUNDS):
        local = _best_limits(
            priced, priced.scores.local, priced.scores.global_, chosen.global_score, chosen.local_score
        )
        overall = _best_limits(priced, priced.scores.global_, priced.scores.local, local, chosen.global_score)
        found = Thresholds(local_score=local, global_score=overall)
        if found == chosen:
            break
        chosen = found
    return chosen


def _open(scores: np.ndarray) -> Limits:
    """Limits that pass everything."""
    highest = float(scores.max()) if len(scores) else 0.0
    margin = max(abs(highest) / 100, 1e-6)
    return Limits(pass_limit=highest + margin, fail_limit=highest + 2 * margin)


def cost_of(evidence: Evidence, limits: Thresholds, costs: Costs) -> float:
    """Of one part of the line, as `propose` counts it."""
    return _cost(_price(evidence, costs), limits)


def _cost(priced: _Priced, limits: Thresholds) -> float:
    passes, fails = priced.scores.passes(limits), priced.scores.fails(limits)
    held = ~passes & ~fails
    return float(priced.passed[passes].sum() + priced.held[held].sum() + priced.failed[fails].sum())


def _price(evidence: Evidence, costs: Costs) -> _Priced:
    """The stream pays for people's time and for overkill, the known defects for escapes."""
    defects = evidence.decided.chosen(evidence.is_defective)
    escape = evidence.weights[evidence.is_defective] * costs.escape
    stream, count = evidence.stream, max(len(evidence.stream), 1)
    overkill = np.where(evidence.stream_truth == DEFECTIVE, 0.0, costs.overkill) / count
    nothing = np.zeros(len(defects))
    return _Priced(
        scores=Scores(
            np.concatenate([stream.ids, defects.ids]),
            np.concatenate([stream.local, defects.local]),
            np.concatenate([stream.global_, defects.global_]),
            np.concatenate([stream.is_judging, defects.is_judging]),
        ),
        passed=np.concatenate([np.zeros(len(stream)), escape]),
        held=np.concatenate([np.full(len(stream), costs.review / count), nothing]),
        failed=np.concatenate([overkill, nothing]),
    )


def _best_limits(priced: _Priced, mine: np.ndarray, other: np.ndarray, others: Limits, now: Limits) -> Limits:
    """The cheapest limits on score `mine` [n] while the limits `others` on the score `other` [n] stay."""
    order = np.argsort(mine, kind="stable")
    scores = mine[order]
    is_passed, is_failed = (other <= others.pass_limit)[order], (other > others.fail_limit)[order]
    held, failed = priced.held[order], priced.failed[order]
    # Where the other score does not pass a part, this one's pass limit makes no difference to it.
    gain = np.where(is_passed, priced.passed[order] - held, 0.0)
    loss = np.where(is_failed, 0.0, held - failed)
    # The limit behind the first k parts, k from 0 to n: what it passes, and what it holds instead of failing.
    passing = np.concatenate([[0.0], np.cumsum(gain)])
    holding = np.concatenate([[0.0], np.cumsum(loss)])
    # Between equal scores there is no place for a limit.
    places = np.concatenate([[True], scores[1:] > scores[:-1], [True]]) if len(scores) else np.array([True])
    gaps = _gaps(scores)[places]
    pass_place, fail_place = _cheapest_places(gaps, passing[places], holding[places], now)
    # How far beyond the outermost scores a limit comes to lie, where today's does not lie there already.
    margin = max(float(np.ptp(scores)) / 50, abs(float(scores[-1])) / 50, 1e-6) if len(scores) else 1.0
    return _limits_in(gaps[pass_place], gaps[fail_place], now, margin)


def _gaps(scores: np.ndarray) -> np.ndarray:
    """float [n + 1, 2]: where a limit may lie: below all ascending scores [n], between neighbours, and above all."""
    return np.stack([np.concatenate([[-np.inf], scores]), np.concatenate([scores, [np.inf]])], axis=1)


def _cheapest_places(gaps: np.ndarray, passing: np.ndarray, holding: np.ndarray, now: Limits) -> tuple[int, int]:
    """The gap of the pass limit and the one of the fail limit, not below it, with the least sum of both costs."""
    # For each place the cheapest pass limit up to there; of equally cheap ones the nearest to today's.
    order = np.lexsort((_distances(gaps, now.pass_limit), passing))
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    cheapest = order[np.minimum.accumulate(rank)]
    sums = passing[cheapest] + holding
    tolerance = 1e-12 * max(float(np.abs(sums).max()), 1.0)
    equal = np.flatnonzero(sums <= sums.min() + tolerance)
    place = int(equal[np.argmin(_distances(gaps, now.fail_limit)[equal])])
    return int(cheapest[place]), place


def _distances(gaps: np.ndarray, limit: float) -> np.ndarray:
    """How far a limit lies outside of each gap; 0 within it."""
    distances: np.ndarray = np.maximum(np.maximum(gaps[:, 0] - limit, limit - gaps[:, 1]), 0.0)
    return distances


def _limits_in(pass_gap: np.ndarray, fail_gap: np.ndarray, now: Limits, margin: float) -> Limits:
    """Today's limits where they lie in those gaps: the same parts would pass. Else the middles of the gaps."""
    pass_limit, fail_limit = _kept(pass_gap, now.pass_limit, margin), _kept(fail_gap, now.fail_limit, margin)
    if pass_limit < fail_limit:
        return Limits(pass_limit=pass_limit, fail_limit=fail_limit)
    # Nothing is worth holding: both limits lie in one gap.
    low, high = _ends(pass_gap, margin)
    return Limits(pass_limit=low + (high - low) / 3, fail_limit=low + 2 * (high - low) / 3)


def _kept(gap: np.ndarray, now: float, margin: float) -> float:
    if gap[0] <= now < gap[1]:
        return now
    low, high = _ends(gap, margin)
    return (low + high) / 2


def _ends(gap: np.ndarray, margin: float) -> tuple[float, float]:
    """Of a gap, with `margin` where it has no end."""
    low, high = float(gap[0]), float(gap[1])
    if not np.isfinite(low):
        low = high - margin if np.isfinite(high) else 0.0
    return low, high if np.isfinite(high) else low + margin
