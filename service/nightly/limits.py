"""What a night's limits are to promise: as much as the champion's, or more of the line's budget where that pays.

Scores of good parts alone cannot say how low a limit should lie. What people have confirmed and cleared says it: known
defects that would pass cost what an escape costs, good parts that are held cost a person's time.
"""

from dataclasses import dataclass

import numpy as np

from inspection.calibration.both_limits import set_both_limits
from inspection.calibration.policy import Thresholds, judge
from inspection.calibration.thresholds import CalibrationTarget
from inspection.verdict import Verdict
from service.costs import CostInputs

_LEAST_DEFECTS = 5
"""Fewer known defects do not say what a limit is worth."""
_STEPS = 6
_LOCAL_SHARES = (0.5, 0.75, 0.9)
_SECONDS = 3600.0


@dataclass(frozen=True)
class Scored:
    """Both scores of some parts by one model that has learned from none of them, float [n] each."""

    local_scores: np.ndarray
    global_scores: np.ndarray

    def __len__(self) -> int:
        return len(self.local_scores)

    def verdicts(self, thresholds: Thresholds) -> list[Verdict]:
        """Under these limits."""
        both = zip(self.local_scores, self.global_scores, strict=True)
        return [judge(float(local), float(whole), thresholds).verdict for local, whole in both]


@dataclass(frozen=True)
class Budgets:
    """What the line allows: good parts failed or held, and good parts failed."""

    flagged: float
    failed: float


def choose_target(
    good: Scored,
    is_cleared: np.ndarray,
    defects: Scored,
    *,
    base: CalibrationTarget,
    budgets: Budgets,
    defect_rate: float,
    costs: CostInputs,
) -> CalibrationTarget:
    """The cheapest promise between the champion's and the line's budget; among equals the lowest.

    `good` are held-out parts, among which strays may be; `is_cleared`, bool [n], says which of them a person has called
    good. Too few known defects leave the champion's promise. Raises CalibrationError.
    """
    base = base.model_copy(update={"failed_rate": budgets.failed})
    if len(defects) < _LEAST_DEFECTS or base.flagged_rate >= budgets.flagged:
        return base
    rates = np.geomspace(base.flagged_rate, budgets.flagged, _STEPS)
    shares = (base.local_share, *(share for share in _LOCAL_SHARES if share != base.local_share))
    targets = [
        base.model_copy(update={"flagged_rate": round(float(rate), 6), "local_share": share})
        for rate in rates
        for share in shares
    ]

    def price(target: CalibrationTarget) -> float:
        found = set_both_limits(good.local_scores, good.global_scores, target, is_cleared=is_cleared)
        # A stray is nobody's word: it counts neither as good nor as defective.
        verdicts = [
            one for one, stray in zip(good.verdicts(found.thresholds), found.is_stray, strict=True) if not stray
        ]
        escaped = defects.verdicts(found.thresholds).count(Verdict.PASS) / len(defects)
        held, failed = (verdicts.count(verdict) / len(verdicts) for verdict in (Verdict.HOLD, Verdict.FAIL))
        review_cost = costs.hour_cost * costs.review_s / _SECONDS
        of_good = held * review_cost + failed * (review_cost + costs.overkill_cost)
        return round(defect_rate * escaped * costs.escape_cost + (1 - defect_rate) * of_good, 12)

    return min(targets, key=price)
