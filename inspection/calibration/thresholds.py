"""Thresholds from normal images only, each with the promise it can keep.

Order statistics: of n exchangeable good parts, the share that lies above the k-th largest calibration score is
Beta(k, n + 1 - k) distributed, whatever the distribution of the scores. So a limit set at the k-th largest score flags
at most `upper_bound_of_rate(k - 1, n)` of good parts, at the stated confidence.
"""

import math
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from inspection.calibration.intervals import upper_bound_of_rate
from inspection.config import Settings
from inspection.errors import CalibrationError

MIN_IMAGE_COUNT = 5
_MIN_HOLD_BAND = 1e-6
Rate = Annotated[float, Field(gt=0, lt=1)]


class Limits(Settings):
    """Two limits on one score: up to `pass_limit` passes, above `fail_limit` fails, between them is held."""

    pass_limit: float
    fail_limit: float

    @model_validator(mode="after")
    def _in_order(self) -> "Limits":
        if not self.pass_limit < self.fail_limit:
            raise ValueError(f"fail_limit {self.fail_limit:g} is not above pass_limit {self.pass_limit:g}")
        return self


class Promise(Settings):
    """At most `flagged_rate_bound` of good parts exceed the pass limit, at `confidence`, from `image_count` images."""

    flagged_rate_bound: float
    confidence: float
    image_count: int
    target_rate: float
    needed_image_count: int
    """How many calibration images the target would need with none of them flagged."""

    @property
    def is_kept(self) -> bool:
        """Does the bound reach the target?"""
        return self.flagged_rate_bound <= self.target_rate


class CalibrationTarget(Settings):
    """What the plant asks of the pass limit."""

    flagged_rate: Rate = 0.01
    failed_rate: Rate | None = None
    """Asked of the fail limit too: at most so many good parts beyond it. None sets it by distance alone."""
    confidence: Rate = 0.95
    local_share: Rate = 0.5
    """Of the rates, what the local score may spend; the rest is the global score's."""


def set_limits(scores: np.ndarray, target: CalibrationTarget) -> tuple[Limits, Promise]:
    """Limits for float scores [n] of held-out normal images, with the promise they keep.

    The pass limit is the lowest calibration score whose bound meets the target; where n is too small for any, it is the
    largest score, and the promise says what that is worth. The fail limit lies as far above the pass limit as that lies
    above the median: a distance, not a rate, until costs or confirmed defects say better. Where the target names a
    `failed_rate` it lies no lower than that rate asks.
    """
    count = len(scores)
    if count < MIN_IMAGE_COUNT:
        raise CalibrationError(
            f"{count} calibration images",
            f"give at least {MIN_IMAGE_COUNT} normal images that training did not use",
        )
    if not np.isfinite(scores).all():
        raise CalibrationError("calibration scores are not finite", "train the student again; its run has diverged")
    descending = np.sort(scores)[::-1]
    flagged = _largest_flagged_count(count, target.flagged_rate, target.confidence)
    pass_limit = float(descending[flagged])
    median = float(np.median(scores))
    fail_limit = pass_limit + max(pass_limit - median, abs(pass_limit) * 0.01, _MIN_HOLD_BAND)
    if target.failed_rate is not None:
        failed = _largest_flagged_count(count, target.failed_rate, target.confidence)
        fail_limit = max(fail_limit, float(descending[failed]))
    limits = Limits(pass_limit=pass_limit, fail_limit=fail_limit)
    promise = Promise(
        flagged_rate_bound=upper_bound_of_rate(flagged, count, target.confidence),
        confidence=target.confidence,
        image_count=count,
        target_rate=target.flagged_rate,
        needed_image_count=needed_image_count(target),
    )
    return limits, promise


def needed_image_count(target: CalibrationTarget) -> int:
    """Calibration images needed so that the largest score keeps the target: (1 - rate)^n <= 1 - confidence."""
    return math.ceil(math.log(1 - target.confidence) / math.log(1 - target.flagged_rate))


def _largest_flagged_count(count: int, rate: float, confidence: float) -> int:
    flagged = 0
    while flagged + 1 < count and upper_bound_of_rate(flagged + 1, count, confidence) <= rate:
        flagged += 1
    return flagged
