"""Any image becomes the student's square input, and nothing on it is skipped on the way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from inspection.images.illumination import Illumination
from inspection.images.preprocess import Preprocessing, prepare

SMALL = Preprocessing(input_px=64)


@settings(max_examples=60, deadline=None)
@given(st.integers(16, 700), st.integers(16, 700), st.sampled_from([1, 3]), st.sampled_from(list(Illumination)))
def test_any_aspect_ratio(height: int, width: int, channels: int, illumination: Illumination) -> None:
    image = np.random.default_rng(height).integers(0, 256, (height, width, channels), dtype=np.uint8)
    pixels = prepare(image, SMALL.model_copy(update={"illumination": illumination}))
    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize(("height", "width"), [(16, 60_000), (60_000, 16), (5000, 20)])
def test_line_scan_strips(height: int, width: int) -> None:
    assert prepare(np.full((height, width, 1), 99, np.uint8), SMALL).tolist() == np.full((64, 64, 3), 99).tolist()


def test_grey_becomes_three_equal_channels() -> None:
    pixels = prepare(np.random.default_rng(0).integers(0, 256, (90, 80, 1), dtype=np.uint8), SMALL)
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 1])
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 2])


def test_an_image_of_the_input_size_is_left_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.array_equal(prepare(image, SMALL), image)


def test_shrinking_averages() -> None:
    image = np.random.default_rng(0).integers(0, 256, (256, 512, 1), dtype=np.uint8)
    means = image.reshape(64, 4, 64, 8).mean(axis=(1, 3))
    assert np.abs(prepare(image, SMALL)[:, :, 0] - means).max() <= 1.0


@pytest.mark.parametrize("position", [1003, 1009, 1013, 1017, 1022])
def test_a_thin_defect_on_a_narrow_strip_is_not_skipped(position: int) -> None:
    """One side shrinks by 32, the other grows: sampling instead of averaging would lose 15 of 16 scratches."""
    strip = np.full((20, 2048, 1), 200, np.uint8)
    strip[:, position] = 0
    assert int(prepare(strip, SMALL).min()) <= 200 - 200 // 32 + 1


def test_a_place_keeps_its_relative_position() -> None:
    image = np.zeros((100, 300, 1), np.uint8)
    image[50:60, 240:270] = 255
    rows, columns = np.nonzero(prepare(image, SMALL)[:, :, 0] > 127)
    assert rows.mean() / 64 == pytest.approx(0.545, abs=0.02)
    assert columns.mean() / 64 == pytest.approx(0.845, abs=0.02)


@pytest.mark.parametrize("wrong", [{"input_px": 100}, {"input_px": 0}, {"significant_bits": 7}, {"inputpx": 64}])
def test_wrong_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Preprocessing.model_validate(wrong)
