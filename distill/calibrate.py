"""Thresholds from images that neither teacher nor student has seen."""

from dataclasses import dataclass

import numpy as np

from distill.parts import scores_of_parts
from inspection.bundle.manifest import Calibration
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import CalibrationTarget, Promise, set_limits
from inspection.scoring.session import Scores
from pretrain.data.image_set import ImageSet

_MOST_LEFT_OUT = 0.05


@dataclass(frozen=True)
class Calibrated:
    """Thresholds with where they come from, and the images left out as likely defects."""

    thresholds: Thresholds
    calibration: Calibration
    left_out: tuple[str, ...]


def calibrate(scores: Scores, images: ImageSet, split: str, target: CalibrationTarget) -> Calibrated:
    """Limits of both scores from held-out images.

    Each score gets half of the target's rate and half of its doubt, so that both together keep it (Bonferroni).

    Unlabeled images may hold defects: those far beyond all others are left out, and named. A
    promise is about parts: images in tiles are put together first, as at the station.
    """
    scores, paths = scores_of_parts(scores, images)
    stray = find_strays(scores.local_score) | find_strays(scores.global_score)
    kept = ~stray
    half = target_of_each(target)
    local_limits, local_promise = set_limits(scores.local_score[kept], half)
    global_limits, global_promise = set_limits(scores.global_score[kept], half)
    left_out = tuple(str(paths[int(index)]) for index in np.flatnonzero(stray))
    calibration = Calibration(
        split=split,
        warning=_warning(split, local_promise, len(left_out)),
        images_sha256=images.sha256,
        image_count=int(kept.sum()),
        local_promise=local_promise,
        global_promise=global_promise,
    )
    return Calibrated(Thresholds(local_score=local_limits, global_score=global_limits), calibration, left_out)


def target_of_each(target: CalibrationTarget) -> CalibrationTarget:
    """What each of both scores must promise, so that together they keep the target."""
    return target.model_copy(
        update={"flagged_rate": target.flagged_rate / 2, "confidence": (1 + target.confidence) / 2}
    )


def find_strays(scores: np.ndarray) -> np.ndarray:
    """Scores above Tukey's far fence (third quartile + 3 interquartile ranges), bool [n]; at most 5 % of them."""
    low, high = np.quantile(scores, [0.25, 0.75])
    # A score that is no number is no defect: it shall stop the calibration, not leave it.
    stray: np.ndarray = np.isfinite(scores) & (scores > high + 3 * (high - low))
    most = int(_MOST_LEFT_OUT * len(scores))
    if stray.sum() > most:
        stray &= scores > np.sort(scores)[::-1][most]
    return stray


def _warning(split: str, promise: Promise, left_out_count: int) -> str | None:
    parts = []
    if split.startswith("by image"):
        parts.append("calibrated on the lots it was trained on: another lot or day may be flagged more often")
    if not promise.is_kept:
        parts.append(
            f"{promise.image_count} images promise {promise.flagged_rate_bound:.1%} flagged at most per score; "
            f"{promise.target_rate:.1%} needs {promise.needed_image_count}"
        )
    if left_out_count:
        parts.append(
            f"left out of calibration as likely defects: {left_out_count}; if they are good, more will be flagged"
        )
    return "; ".join(parts) or None
