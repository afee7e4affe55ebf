"""Thresholds from held-out images: strays are left out and named, the rest sets the limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from distill.calibrate import calibrate
from inspection.calibration.both_limits import find_strays
from inspection.calibration.thresholds import CalibrationTarget, set_limits
from inspection.errors import CalibrationError
from inspection.scoring.session import Scores
from pretrain.data.image_set import ImageSet

TARGET = CalibrationTarget(flagged_rate=0.1, confidence=0.9)
HALF = CalibrationTarget(flagged_rate=0.05, confidence=0.95)
BY_LOT = "by lot; held out: tuesday"


def images(count: int) -> ImageSet:
    names = [f"part-{place:03d}.png" for place in range(count)]
    pixels = torch.zeros(count, 1, 1, 3, dtype=torch.uint8)
    return ImageSet(pixels, ("",) * count, tuple(names), tuple(map(Path, names)))


def scores(local: np.ndarray, whole: np.ndarray) -> Scores:
    return Scores(np.zeros((len(local), 2, 2), np.float32), local.astype(np.float32), whole.astype(np.float32))


def normal(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(5, 1, count).astype(np.float32)


def test_limits_are_those_of_set_limits_at_half_the_rate_and_half_the_doubt() -> None:
    local, whole = normal(100, 1), normal(100, 2)
    calibrated = calibrate(scores(local, whole), images(100), BY_LOT, TARGET)
    (local_limits, local_promise), (global_limits, global_promise) = set_limits(local, HALF), set_limits(whole, HALF)
    assert calibrated.thresholds.local_score == local_limits
    assert calibrated.thresholds.global_score == global_limits
    assert calibrated.calibration.local_promise == local_promise
    assert calibrated.calibration.global_promise == global_promise
    assert calibrated.calibration.split == BY_LOT
    assert calibrated.calibration.image_count == 100
    assert calibrated.calibration.images_sha256 == images(100).sha256
    assert calibrated.calibration.warning is None
    assert calibrated.left_out == ()


def test_both_scores_together_keep_the_targets_rate() -> None:
    # What either score flags is what a person sees: its share is at most the target, at its confidence.
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(60):
        drawn = rng.normal(size=(2, 400))
        limits = calibrate(scores(drawn[0], drawn[1]), images(400), BY_LOT, TARGET).thresholds
        parts = rng.normal(size=(2, 4000))
        flagged = (parts[0] > limits.local_score.pass_limit) | (parts[1] > limits.global_score.pass_limit)
        shares.append(float(flagged.mean()))
    assert np.mean([share <= 0.1 for share in shares]) > 0.9


@pytest.mark.parametrize("which", ["local", "global"])
def test_strays_are_left_out_and_named(which: str) -> None:
    local, whole = normal(100, 1), normal(100, 2)
    harmed = local if which == "local" else whole
    harmed[[7, 50]] += 40
    calibrated = calibrate(scores(local, whole), images(100), BY_LOT, TARGET)
    assert calibrated.left_out == ("part-007.png", "part-050.png")
    assert calibrated.calibration.image_count == 98
    warning = calibrated.calibration.warning
    assert warning is not None
    assert warning.startswith("left out of calibration as likely defects: 2;")
    kept = np.delete(harmed, [7, 50])
    limits = getattr(calibrated.thresholds, f"{which}_score")
    assert limits == set_limits(kept, HALF)[0]
    assert limits.pass_limit < 10


def test_a_stray_is_beyond_tukeys_far_fence() -> None:
    values = np.arange(100, dtype=np.float64)
    # Quartiles of 0..99 are 24.75 and 74.25: the far fence stands at 74.25 + 3 * 49.5 = 222.75.
    values[99] = 222.0
    assert not find_strays(values).any()
    values[99] = 226.0
    assert np.flatnonzero(find_strays(values)).tolist() == [99]
    values[0] = -1e6
    assert np.flatnonzero(find_strays(values)).tolist() == [99]


def test_at_most_a_twentieth_is_left_out_the_farthest_first() -> None:
    values = normal(100)
    values[:12] += np.linspace(40, 60, 12)
    assert np.flatnonzero(find_strays(values)).tolist() == [7, 8, 9, 10, 11]
    # Of fewer than 20 images none can be spared.
    few = normal(19)
    few[3] = 1e6
    assert not find_strays(few).any()


def test_the_warning_says_what_the_split_cannot_vouch_for() -> None:
    values = scores(normal(16, 1), normal(16, 2))
    warning = calibrate(values, images(16), "by image; no lots are known", TARGET).calibration.warning
    assert warning is not None
    assert warning.startswith("calibrated on the lots it was trained on: ")
    assert "16 images promise 17.1% flagged at most per score; 5.0% needs 59" in warning


@pytest.mark.parametrize("harm", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_set_no_limits(harm: float) -> None:
    local = normal(100)
    local[5] = harm
    with pytest.raises(CalibrationError):
        calibrate(scores(local, normal(100)), images(100), BY_LOT, TARGET)


def test_too_few_images_set_no_limits() -> None:
    with pytest.raises(CalibrationError, match="4 calibration images: give at least 5"):
        calibrate(scores(normal(4), normal(4)), images(4), BY_LOT, TARGET)
