"""What the machine says of a part, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from inspection.scoring.regions import DefectRegion


class Verdict(StrEnum):
    """The machine's answer. A person's answer is a disposition and never changes this one."""

    PASS = "PASS"
    HOLD = "HOLD"
    FAIL = "FAIL"


class Reason(StrEnum):
    """Why a part got its verdict. Everything below `GLOBAL_FAIL` is a failure to judge, and always HOLD."""

    NORMAL = "normal"
    LOCAL_HOLD = "local_score_in_hold_band"
    GLOBAL_HOLD = "global_score_in_hold_band"
    LOCAL_FAIL = "local_score_above_fail_limit"
    GLOBAL_FAIL = "global_score_above_fail_limit"
    UNDECODABLE = "image_undecodable"
    WRONG_SIZE = "image_size"
    TOO_DARK = "image_too_dark"
    TOO_BRIGHT = "image_too_bright"
    FLAT = "image_without_contrast"
    BLURRED = "image_blurred"
    CLIPPED = "image_clipped"
    NO_MODEL = "no_model"
    TIMED_OUT = "timed_out"
    OVERLOADED = "overloaded"
    NOT_STORED = "image_not_stored"
    INTERNAL = "internal_error"
    CHALLENGE_DUE = "challenge_due"
    CHALLENGE_FAILED = "challenge_failed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdict and reason of one part, as the policy gives them."""

    verdict: Verdict
    reason: Reason


@dataclass(frozen=True, slots=True)
class Inspection:
    """All the machine knows of one image.

    Scores are None where the image could not be scored; then the verdict is HOLD. `part_score` is the larger of both
    scores in widths of their hold bands: 1.0 and below passes. `anomaly_map` is float32 [H, W] at the map's own
    resolution; `regions` are in pixels of the image as it was decoded.
    """

    judgement: Judgement
    detail: str
    bundle_id: str | None = None
    local_score: float | None = None
    global_score: float | None = None
    part_score: float | None = None
    width_px: int | None = None
    height_px: int | None = None
    anomaly_map: np.ndarray | None = field(default=None, repr=False, compare=False)
    regions: tuple[DefectRegion, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def reason(self) -> Reason:
        return self.judgement.reason

    @classmethod
    def held(cls, reason: Reason, detail: str, *, bundle_id: str | None = None) -> Inspection:
        """The answer for an image that could not be judged: HOLD, never PASS."""
        return cls(Judgement(Verdict.HOLD, reason), detail, bundle_id=bundle_id)
