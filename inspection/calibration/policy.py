"""Two scores and their limits to one verdict: the only policy of the project."""

import math

from inspection.calibration.thresholds import Limits
from inspection.config import Settings
from inspection.verdict import Judgement, Reason, Verdict


class Thresholds(Settings):
    """Limits of the local score (is a region unusual) and of the global score (is the whole view unusual)."""

    local_score: Limits
    global_score: Limits


def judge(local_score: float, global_score: float, thresholds: Thresholds, *, global_fails: bool = True) -> Judgement:
    """The worse of both scores decides; at equal rank the local score is the reason. What is no number holds.

    Without `global_fails` the global score holds a part beyond its limits, and fails none.
    """
    if not (math.isfinite(local_score) and math.isfinite(global_score)):
        return Judgement(Verdict.HOLD, Reason.INTERNAL)
    if local_score > thresholds.local_score.fail_limit:
        return Judgement(Verdict.FAIL, Reason.LOCAL_FAIL)
    if global_fails and global_score > thresholds.global_score.fail_limit:
        return Judgement(Verdict.FAIL, Reason.GLOBAL_FAIL)
    if local_score > thresholds.local_score.pass_limit:
        return Judgement(Verdict.HOLD, Reason.LOCAL_HOLD)
    if global_score > thresholds.global_score.pass_limit:
        return Judgement(Verdict.HOLD, Reason.GLOBAL_HOLD)
    return Judgement(Verdict.PASS, Reason.NORMAL)


def score_part(local_score: float, global_score: float, thresholds: Thresholds) -> float:
    """Both scores as one: 1.0 and below passes, and ranks order parts by suspicion.

    The unit is the hold band. Within its limit the global score says nothing of a part, and only blurs the ranking that
    the local score gives; beyond it, the larger of both counts.
    """
    local_part = _in_limits(local_score, thresholds.local_score)
    if global_score <= thresholds.global_score.pass_limit:
        return local_part
    return max(local_part, _in_limits(global_score, thresholds.global_score))


def _in_limits(score: float, limits: Limits) -> float:
    # Measured from the pass limit in widths of the hold band, so that scores of any offset and sign can be compared.
    part_score = 1.0 + (score - limits.pass_limit) / (limits.fail_limit - limits.pass_limit)
    # A score a hair above its limit must not be rounded to 1.0, which passes.
    return max(part_score, math.nextafter(1.0, 2.0)) if score > limits.pass_limit else part_score
