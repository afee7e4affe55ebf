"""Go, no-go or need-more-pictures: one answer, with its reason in words a plant can check against the figures."""

import math
from dataclasses import dataclass
from enum import StrEnum

from distill.poc.figures import Figures
from distill.poc.plant import Goals
from inspection.bundle.manifest import Calibration
from inspection.calibration.thresholds import CalibrationTarget, needed_image_count

_RANKED_AT = "escape_rate_at_overkill_5pct"
_SURE = 0.95
_MOST_ASKED = 10_000


class Answer(StrEnum):
    GO = "go"
    NO_GO = "no-go"
    NEED_MORE = "need-more-pictures"


@dataclass(frozen=True)
class Decision:
    answer: Answer
    reason: str


def decide(figures: Figures | None, calibration: Calibration, goals: Goals, defective_count: int) -> Decision:
    """`figures` are those of the ONNX form on labeled pictures, None where there are none."""
    escape = figures[_RANKED_AT] if figures else None
    bounds = figures[f"{_RANKED_AT}_interval"] if figures else None
    if not isinstance(escape, float) or not isinstance(bounds, tuple):
        return Decision(Answer.NEED_MORE, _unmeasured(goals))
    low, high = bounds
    sure = f"95 % interval {low:.1%} to {high:.1%}"
    told = f"{escape:.1%} of {defective_count} defective parts escape at 5 % overkill ({sure})"
    goal = f"the goal is {goals.escape_rate:.0%}"
    if low > goals.escape_rate:
        return Decision(Answer.NO_GO, f"{told}; {goal}, and even the favourable end misses it.")
    if high > goals.escape_rate:
        more = max(parts_to_tell(escape, goals.escape_rate) - defective_count, 10)
        wish = f"About {min(more, _MOST_ASKED)} more labeled defective parts would tell."
        return Decision(Answer.NEED_MORE, f"{told}; {goal}, which lies within the interval. {wish}")
    if shortage := _calibration_shortage(calibration, goals):
        return Decision(Answer.NEED_MORE, f"{told}, which meets the goal. But {shortage}")
    return Decision(Answer.GO, f"{told}; {goal}, and the thresholds keep their promise to good parts.")


def parts_to_prove(escape_rate: float) -> int:
    """Defective parts of which none may escape, so that the escape rate is below this at 95 % (the rule of three)."""
    return math.ceil(math.log(1 - _SURE) / math.log(1 - escape_rate))


def parts_to_tell(measured: float, goal: float) -> int:
    """Defective parts with which a binomial interval around `measured` would no longer hold the goal."""
    apart = max(abs(measured - goal), 0.01)
    spread = max(measured, goal) * (1 - max(measured, goal))
    return math.ceil(1.96**2 * spread / apart**2)


def _unmeasured(goals: Goals) -> str:
    return (
        "No labeled good and defective pictures: how many defective parts escape is not measured. "
        f"Put at least {parts_to_prove(goals.escape_rate)} defective ones below test/ by kind, and good ones in "
        "test/good: "
        f"if none of those escapes, fewer than {goals.escape_rate:.0%} do, {_SURE:.0%} sure."
    )


def _calibration_shortage(calibration: Calibration, goals: Goals) -> str | None:
    promises = (calibration.local_promise, calibration.global_promise)
    bound = sum(promise.flagged_rate_bound for promise in promises)
    if bound <= goals.flagged_rate:
        return None
    needed = needed_image_count(
        CalibrationTarget(flagged_rate=goals.flagged_rate / 2, confidence=promises[0].confidence)
    )
    return (
        f"{calibration.image_count} held-out pictures promise only that at most {bound:.0%} of good parts are flagged; "
        f"the goal of {goals.flagged_rate:.0%} needs {needed} held out, about {4 * needed} unlabeled pictures in all."
    )
