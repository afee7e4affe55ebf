"""Defective parts: may the challenger let more of them pass? On golden parts, on recent ones, and on drawn flaws."""

from collections import Counter
from collections.abc import Sequence

from inspection.calibration.paired import (
    difference_bound,
    needed_count,
    noninferiority_p_value,
    rise_p_value,
)
from inspection.verdict import Verdict
from service.nightly.gate.check import Answer, Check, Question
from service.nightly.gate.evidence import Evidence, JudgedPart
from service.nightly.gate.policy import GatePolicy

_SEVERAL = 2


def check_escapes(evidence: Evidence, policy: GatePolicy) -> Check:
    """On the golden set escapes may not rise at all, and a rise by the margin must be excluded."""
    parts = _defective(evidence.golden)
    lost, gained = _lost(parts), _gained(parts)
    p_value = noninferiority_p_value(lost, gained, len(parts), policy.escape_margin)
    figures = _escape_figures(parts) | {
        "rise_p_value": rise_p_value(lost, gained),
        "bound": difference_bound(lost, gained, len(parts), policy.confidence),
        "margin": policy.escape_margin,
        "confidence": policy.confidence,
    }
    if lost > gained:
        return Check(question=Question.ESCAPES, answer=Answer.FAILED, figures=figures, names=_images_lost(parts))
    if p_value <= 1 - policy.confidence:
        return Check(question=Question.ESCAPES, answer=Answer.PASSED, figures=figures)
    needed = needed_count(lost, gained, len(parts), policy.escape_margin, policy.confidence)
    return Check(question=Question.ESCAPES, answer=Answer.UNDECIDED, figures=figures, needed_count=needed)


def check_anchor(evidence: Evidence, policy: GatePolicy) -> Check:
    """All nights since the anchor together may not have raised escapes by its margin, each of them `not worse` or not.

    A night's margin is room for chance; a hundred such nights would be a fall. The anchor stands still, so that they
    cannot add up.
    """
    parts = _defective(evidence.anchored)
    if not parts:
        return Check(question=Question.ANCHOR, answer=Answer.NOT_ASKED, figures={"count": 0})
    lost, gained = _lost(parts), _gained(parts)
    figures = _escape_figures(parts) | {
        "bound": difference_bound(lost, gained, len(parts), policy.confidence),
        "margin": policy.anchor_margin,
        "confidence": policy.confidence,
    }
    if lost - gained > policy.anchor_margin * len(parts):
        return Check(question=Question.ANCHOR, answer=Answer.FAILED, figures=figures, names=_images_lost(parts))
    if noninferiority_p_value(lost, gained, len(parts), policy.anchor_margin) <= 1 - policy.confidence:
        return Check(question=Question.ANCHOR, answer=Answer.PASSED, figures=figures)
    needed = needed_count(lost, gained, len(parts), policy.anchor_margin, policy.confidence)
    return Check(question=Question.ANCHOR, answer=Answer.UNDECIDED, figures=figures, needed_count=needed)


def prove_fall(evidence: Evidence, policy: GatePolicy) -> bool:
    """Do fewer golden defects escape, for certain?"""
    parts = _defective(evidence.golden)
    return bool(parts) and difference_bound(_lost(parts), _gained(parts), len(parts), policy.confidence) < 0


def check_kinds(evidence: Evidence, policy: GatePolicy) -> Check:
    """No kind of defect may collapse: a model that is better on the whole may have gone blind for one of them."""
    parts = _defective(evidence.golden)
    counts = Counter(part.defect for part in parts)
    falls = Counter(part.defect for part in parts if part.is_lost)
    falls.subtract(Counter(part.defect for part in parts if part.is_gained))
    collapsed = sorted(
        str(kind) for kind, lost in falls.items() if lost >= _SEVERAL and lost > policy.collapse_share * counts[kind]
    )
    worst = max((falls[kind] / counts[kind] for kind in counts), default=0.0)
    figures = {"count": len(parts), "kinds": len(counts), "largest_fall": max(worst, 0.0)}
    answer = Answer.FAILED if collapsed else Answer.PASSED
    return Check(question=Question.KINDS, answer=answer, figures=figures, names=tuple(collapsed))


def check_replay(evidence: Evidence, policy: GatePolicy) -> Check:
    """Of defects that the champion caught and a person confirmed, only so many may be lost as chance explains.

    These parts were chosen by the champion: it has caught all of them, so that they can speak against a challenger and
    never for it.
    """
    parts = _defective(evidence.replay)
    if not parts:
        return Check(question=Question.REPLAY, answer=Answer.NOT_ASKED, figures={"count": 0})
    lost, gained = _lost(parts), _gained(parts)
    # The other way round: is a rise by no more than the margin excluded?
    is_lost = noninferiority_p_value(gained, lost, len(parts), -policy.replay_margin) <= 1 - policy.confidence
    figures = _escape_figures(parts) | {"margin": policy.replay_margin}
    answer = Answer.FAILED if is_lost else Answer.PASSED
    return Check(question=Question.REPLAY, answer=answer, figures=figures, names=_images_lost(parts) if is_lost else ())


def check_synthetic(evidence: Evidence, policy: GatePolicy) -> Check:
    """Drawn flaws count beside real ones, never instead: a clear rise of their escapes keeps the champion."""
    parts = evidence.synthetic
    if not parts:
        return Check(question=Question.SYNTHETIC, answer=Answer.NOT_ASKED, figures={"count": 0})
    p_value = rise_p_value(_lost(parts), _gained(parts))
    figures = _escape_figures(parts) | {"rise_p_value": p_value}
    answer = Answer.FAILED if p_value <= 1 - policy.confidence else Answer.PASSED
    return Check(question=Question.SYNTHETIC, answer=answer, figures=figures)


def _defective(parts: Sequence[JudgedPart]) -> list[JudgedPart]:
    return [part for part in parts if part.defect is not None]


def _lost(parts: Sequence[JudgedPart]) -> int:
    return sum(part.is_lost for part in parts)


def _gained(parts: Sequence[JudgedPart]) -> int:
    return sum(part.is_gained for part in parts)


def _images_lost(parts: Sequence[JudgedPart]) -> tuple[str, ...]:
    return tuple(part.image for part in parts if part.is_lost)


def _escape_figures(parts: Sequence[JudgedPart]) -> dict[str, float | int]:
    return {
        "count": len(parts),
        "champion": sum(part.champion is Verdict.PASS for part in parts),
        "challenger": sum(part.challenger is Verdict.PASS for part in parts),
        "lost": _lost(parts),
        "gained": _gained(parts),
    }
