"""Thresholds from images that neither teacher nor student has seen."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distill.parts import scores_of_parts
from inspection.bundle.manifest import Calibration
from inspection.calibration.both_limits import set_both_limits
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import CalibrationTarget, Promise
from inspection.scoring.session import Scores
from pretrain.data.image_set import ImageSet


@dataclass(frozen=True)
class Calibrated:
    """Thresholds with where they come from, and the images left out as likely defects."""

    thresholds: Thresholds
    calibration: Calibration
    left_out: tuple[str, ...]


def calibrate(
    scores: Scores,
    images: ImageSet,
    split: str,
    target: CalibrationTarget,
    cleared: Collection[Path] = (),
) -> Calibrated:
    """Limits of both scores from held-out images, by `set_both_limits`; `cleared` are good by a person's word.

    What was left out is named. A promise is about parts: images in tiles are put together first, as at the station.
    """
    scores, paths = scores_of_parts(scores, images)
    is_cleared = np.array([path in cleared for path in paths], dtype=bool)
    found = set_both_limits(scores.local_score, scores.global_score, target, is_cleared=is_cleared)
    left_out = tuple(str(paths[int(index)]) for index in np.flatnonzero(found.is_stray))
    calibration = Calibration(
        split=split,
        warning=_warning(split, found.local_promise, len(left_out)),
        images_sha256=images.sha256,
        image_count=int((~found.is_stray).sum()),
        local_promise=found.local_promise,
        global_promise=found.global_promise,
    )
    return Calibrated(found.thresholds, calibration, left_out)


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
