"""Good parts: does the challenger fail, or flag, more of them than the budget allows?"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from inspection.calibration.intervals import upper_bound_of_rate
from inspection.calibration.paired import needed_count, noninferiority_p_value
from inspection.verdict import Verdict
from service.nightly.gate.check import Answer, Check, Question
from service.nightly.gate.escapes import prove_fall
from service.nightly.gate.evidence import Evidence
from service.nightly.gate.policy import GatePolicy


@dataclass(frozen=True)
class _Limits:
    budget: float
    margin: float
    confidence: float
    patience: float
    most_counted: float
    """Share of good parts beyond which patience ends, whatever is certain."""


def check_overkill(evidence: Evidence, policy: GatePolicy) -> Check:
    """Good parts failed."""
    patience, budget = _patience(evidence, policy), policy.overkill_budget
    # A good part that fails is lost: even a challenger that catches more defects may not count more than the budget.
    limits = _Limits(budget, policy.overkill_margin, policy.confidence, patience, most_counted=budget)
    return _check(Question.OVERKILL, evidence, limits, lambda verdict: verdict is Verdict.FAIL)


def check_flagged(evidence: Evidence, policy: GatePolicy) -> Check:
    """Good parts failed or held."""
    patience, budget = _patience(evidence, policy), policy.flagged_budget
    # A good part that is held costs a look, and far less than the defects that it takes to be proven better.
    limits = _Limits(budget, policy.flagged_margin, policy.confidence, patience, most_counted=patience * budget)
    return _check(Question.FLAGGED, evidence, limits, lambda verdict: verdict is not Verdict.PASS)


def _check(question: Question, evidence: Evidence, limits: _Limits, is_wrong: Callable[[Verdict], bool]) -> Check:
    """Within the budget for certain; or no rise beyond the margin for certain, of one that has not risen over it.

    A challenger that is proven to let fewer defects pass has some patience: it counts within the budget, and is within
    a multiple of it for certain.
    """
    parts = [part for part in evidence.golden if part.defect is None]
    count = len(parts)
    champion = sum(is_wrong(part.champion) for part in parts)
    challenger = sum(is_wrong(part.challenger) for part in parts)
    lost = sum(is_wrong(part.challenger) and not is_wrong(part.champion) for part in parts)
    gained = sum(is_wrong(part.champion) and not is_wrong(part.challenger) for part in parts)
    bound = upper_bound_of_rate(challenger, count, limits.confidence)
    figures = {
        "count": count,
        "champion": champion,
        "challenger": challenger,
        "lost": lost,
        "gained": gained,
        "bound": bound,
        "budget": limits.budget,
        "margin": limits.margin,
        "confidence": limits.confidence,
        "patience": limits.patience,
    }
    is_over = challenger > limits.budget * count and lost > gained
    is_no_worse = noninferiority_p_value(lost, gained, count, limits.margin) <= 1 - limits.confidence
    is_within = challenger <= limits.most_counted * count and bound <= limits.patience * limits.budget
    if bound <= limits.budget or (is_no_worse and not is_over) or is_within:
        return Check(question=question, answer=Answer.PASSED, figures=figures)
    if is_over:
        return Check(question=question, answer=Answer.FAILED, figures=figures)
    return Check(question=question, answer=Answer.UNDECIDED, figures=figures, needed_count=_needed(figures, limits))


def _patience(evidence: Evidence, policy: GatePolicy) -> float:
    """In budgets."""
    return policy.patience if prove_fall(evidence, policy) else 1.0


def _needed(figures: dict[str, float | int], limits: _Limits) -> int | None:
    """By whichever way is shorter."""
    count, challenger = int(figures["count"]), int(figures["challenger"])
    by_margin = needed_count(int(figures["lost"]), int(figures["gained"]), count, limits.margin, limits.confidence)
    by_budget = None
    if not challenger and limits.budget:
        by_budget = math.ceil(math.log(1 - limits.confidence) / math.log(1 - limits.budget))
    found = [number for number in (by_margin, by_budget) if number is not None]
    return min(found) if found else None
