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
    cleared, bool [n]. Each score gets half of the target's rates and half of its doubt, so that both together keep it
    (Bonferroni).
    """
    is_stray = find_strays(local_scores) | find_strays(global_scores)
    if is_cleared is not None:
        is_stray &= ~is_cleared
    half = target_of_each(target)
    local_limits, local_promise = set_limits(local_scores[~is_stray], half)
    global_limits, global_promise = set_limits(global_scores[~is_stray], half)
    thresholds = Thresholds(local_score=local_limits, global_score=global_limits)
    return BothLimits(thresholds, local_promise, global_promise, is_stray)


def target_of_each(target: CalibrationTarget) -> CalibrationTarget:
    """What each of both scores must promise, so that together they keep the target."""
    failed_rate = None if target.failed_rate is None else target.failed_rate / 2
    return target.model_copy(
        update={
            "flagged_rate": target.flagged_rate / 2,
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
