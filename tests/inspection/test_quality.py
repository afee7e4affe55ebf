"""Images that cannot be judged are noticed, each with its own reason."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from inspection.images.quality import QualityLimits, find_quality_fault
from inspection.verdict import Reason

LIMITS = QualityLimits(min_mean=20, max_mean=230, min_deviation=3)


def noise(mean: float, deviation: float, channels: int = 1) -> np.ndarray:
    grain = np.random.default_rng(0).normal(mean, deviation, (60, 80, channels))
    return grain.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "reason", "figure"),
    [
        (noise(10, 5), Reason.TOO_DARK, "below 20"),
        (noise(240, 5), Reason.TOO_BRIGHT, "above 230"),
        (noise(120, 1), Reason.FLAT, "below 3"),
        (np.zeros((20, 20, 1), np.uint8), Reason.TOO_DARK, "mean grey 0.0"),
        (np.full((20, 20, 3), 255, np.uint8), Reason.TOO_BRIGHT, "mean grey 255.0"),
    ],
)
def test_faults(image: np.ndarray, reason: Reason, figure: str) -> None:
    fault = find_quality_fault(image, LIMITS)
    assert fault is not None
    assert fault[0] is reason
    assert figure in fault[1]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_fit_image_has_no_fault(channels: int) -> None:
    assert find_quality_fault(noise(120, 10, channels), LIMITS) is None


def test_limits_belong_to_the_fit_side() -> None:
    image = np.full((20, 20, 1), 20, np.uint8)
    image[::2] = 24
    assert find_quality_fault(image, QualityLimits(min_mean=22, max_mean=22, min_deviation=2)) is None


def test_a_picture_of_one_colour_has_no_contrast() -> None:
    """A cap of orange plastic on the lens: its channels differ, its pixels do not."""
    image = np.zeros((60, 80, 3), np.uint8)
    image[:] = (230, 120, 20)
    fault = find_quality_fault(image, LIMITS)
    assert fault is not None
    assert fault[0] is Reason.FLAT


def test_contrast_in_one_channel_is_enough() -> None:
    image = np.full((60, 80, 3), 100, np.uint8)
    image[:, :, 2] = noise(120, 10)[:, :, 0]
    assert find_quality_fault(image, LIMITS) is None


def test_default_limits_refuse_only_what_shows_nothing() -> None:
    limits = QualityLimits()
    assert find_quality_fault(noise(15, 4), limits) is None
    assert find_quality_fault(noise(240, 6), limits) is None
    assert find_quality_fault(np.full((20, 20, 1), 128, np.uint8), limits) is not None


def test_limits_are_greys() -> None:
    with pytest.raises(ValidationError):
        QualityLimits(min_mean=-1)
    with pytest.raises(ValidationError):
        QualityLimits(max_mean=256)
