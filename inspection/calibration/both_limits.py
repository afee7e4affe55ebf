"""Limits of both scores from parts that are taken for good: one way for training, recalibration and the nights."""

from dataclasses import dataclass

import numpy as np

from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import CalibrationTarget, Promise, set_limits

_MOST_STRAYS = 0.05


@dataclass(frozen=True)
class BothLimits:
    """Limits with the promises they keep; `is_stray`, bool [n], are the parts that were left out as likely defects."""

    thresholds: Thresholds
    local_promise: Promise
    global_promise: Promise
    is_stray: np.ndarray


def set_both_limits(
    local_scores: np.ndarray,
    global_scores: np.ndarray,
    target: CalibrationTarget,
    *,
    is_cleared: np.ndarray | None = None,
) -> BothLimits:
    """From float scores [n] of held-out parts. Raises CalibrationError.

    Unlabeled parts may be defective: those far beyond all others are left out, but for those that a person has
    cleared, bool [n]. The scores share the target's rates and its doubt, so that both together keep it (Bonferroni).
    """
    is_stray = find_strays(local_scores) | find_strays(global_scores)
    if is_cleared is not None:
        is_stray &= ~is_cleared
    local_target, global_target = share_target(target)
    local_limits, local_promise = set_limits(local_scores[~is_stray], local_target)
    global_limits, global_promise = set_limits(global_scores[~is_stray], global_target)
    thresholds = Thresholds(local_score=local_limits, global_score=global_limits)
    return BothLimits(thresholds, local_promise, global_promise, is_stray)


def share_target(target: CalibrationTarget) -> tuple[CalibrationTarget, CalibrationTarget]:
    """What the local score must promise, and what the global score, so that together they keep the target."""
    return _part_of(target, target.local_share), _part_of(target, 1 - target.local_share)


def join_promises(local: Promise, whole: Promise) -> CalibrationTarget:
    """The target that two promises were shared out from."""
    flagged_rate = local.target_rate + whole.target_rate
    doubt = (1 - local.confidence) + (1 - whole.confidence)
    return CalibrationTarget(
        flagged_rate=flagged_rate, confidence=1 - doubt, local_share=local.target_rate / flagged_rate
    )


def _part_of(target: CalibrationTarget, share: float) -> CalibrationTarget:
    failed_rate = None if target.failed_rate is None else target.failed_rate * share
    return target.model_copy(
        update={
            "flagged_rate": target.flagged_rate * share,
            "failed_rate": failed_rate,
            "confidence": (1 + target.confidence) / 2,
        }
    )


def find_strays(scores: np.ndarray) -> np.ndarray:
    """Scores above Tukey's far fence (third quartile + 3 interquartile ranges), bool [n]; at most 5 % of them."""
    low, high = np.quantile(scores, [0.25, 0.75])
    # A score that is no number is no defect: it shall stop the calibration, not leave it.
    stray: np.ndarray = np.isfinite(scores) & (scores > high + 3 * (high - low))
    most = int(_MOST_STRAYS * len(scores))
    if stray.sum() > most:
        stray &= scores > np.sort(scores)[::-1][most]
    return stray
