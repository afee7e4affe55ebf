"""Is an image fit to be judged at all? What is not is held for a person."""

from typing import Annotated

import cv2
from pydantic import Field

from inspection.config import Settings
from inspection.images.decode import Image
from inspection.verdict import Reason

Grey = Annotated[float, Field(ge=0, le=255)]


class QualityLimits(Settings):
    """Limits on an image's grey values, 0 to 255."""

    min_mean: Grey = 4.0
    max_mean: Grey = 251.0
    min_deviation: Grey = 1.0


def find_quality_fault(image: Image, limits: QualityLimits) -> tuple[Reason, str] | None:
    """The first reason why uint8 [H, W, C] cannot be judged, with its figure; None for a fit image."""
    # By channel, since a picture of one colour has no contrast; and without numpy's copy of the image in float64.
    means, deviations = cv2.meanStdDev(image)
    mean, deviation = float(means.mean()), float(deviations.max())
    if mean < limits.min_mean:
        return Reason.TOO_DARK, f"mean grey {mean:.1f} is below {limits.min_mean:g}: check lamp and exposure"
    if mean > limits.max_mean:
        return Reason.TOO_BRIGHT, f"mean grey {mean:.1f} is above {limits.max_mean:g}: check exposure"
    if deviation < limits.min_deviation:
        return (
            Reason.FLAT,
            f"grey deviation {deviation:.2f} is below {limits.min_deviation:g}: check lens, cap and cable",
        )
    return None
