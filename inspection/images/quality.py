"""Is an image fit to be judged at all? What is not is held for a person."""

from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from inspection.config import Settings
from inspection.images.decode import Image
from inspection.verdict import Reason

Grey = Annotated[float, Field(ge=0, le=255)]
Side = Annotated[int, Field(ge=16, le=100_000)]


class QualityLimits(Settings):
    """Limits on an image's grey values, 0 to 255."""

    min_mean: Grey = 4.0
    max_mean: Grey = 251.0
    min_deviation: Grey = 1.0


class StationQuality(Settings):
    """When an image of this station is not fit to be judged; None leaves it to the bundle, or unchecked."""

    min_mean: Grey | None = None
    max_mean: Grey | None = None
    min_deviation: Grey | None = None
    min_sharpness: Annotated[float, Field(ge=0)] | None = None
    """Variance of the Laplacian of grey values: an image below it is blurred."""
    max_clipped_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of pixels that are full black or full white: an image above it is clipped."""
    width_px: Side | None = None
    """The size of this station's images; any other is held."""
    height_px: Side | None = None

    def adapt(self, limits: QualityLimits) -> QualityLimits:
        """The bundle's limits, with those this station sets itself."""
        own = self.model_dump(include=set(QualityLimits.model_fields), exclude_none=True)
        return limits.model_copy(update=own) if own else limits


def find_size_fault(image: Image, quality: StationQuality) -> str | None:
    """Why uint8 [H, W, C] is not this station's view; None where its size is right, or any is."""
    height_px, width_px = image.shape[:2]
    wanted = (quality.width_px or width_px, quality.height_px or height_px)
    if (width_px, height_px) == wanted:
        return None
    return f"{width_px}x{height_px} pixels, {wanted[0]}x{wanted[1]} expected: check the camera's region of interest"


def find_blur_or_clipping(image: Image, quality: StationQuality) -> tuple[Reason, str] | None:
    """As `find_quality_fault`, for what only a station knows of its view. Nothing is measured that has no limit."""
    if quality.min_sharpness is not None:
        sharpness = measure_sharpness(image)
        if sharpness < quality.min_sharpness:
            return Reason.BLURRED, f"sharpness {sharpness:.1f} is below {quality.min_sharpness:g}: check focus and lens"
    if quality.max_clipped_rate is not None:
        rate = measure_clipped_rate(image)
        if rate > quality.max_clipped_rate:
            return (
                Reason.CLIPPED,
                f"{rate:.1%} of pixels are full black or white, above {quality.max_clipped_rate:.1%}: check exposure",
            )
    return None


def measure_sharpness(image: Image) -> float:
    """Variance of the Laplacian of uint8 [H, W, C] in grey: falls as the lens goes out of focus.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """
    deviation = cv2.meanStdDev(cv2.Laplacian(_to_grey(image), cv2.CV_16S))[1]
    return float(deviation.item()) ** 2


def measure_clipped_rate(image: Image) -> float:
    """Share of pixels of uint8 [H, W, C] whose grey value is 0 or 255, where the sensor saw no difference any more."""
    grey = _to_grey(image)
    inside = cv2.countNonZero(cv2.inRange(grey, np.array(1), np.array(254)))
    return 1.0 - inside / grey.size


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


def _to_grey(image: Image) -> Image:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] == 3 else image[:, :, 0]
