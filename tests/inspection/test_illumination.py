"""Taking the lamp out of an image: exposure and gradients of light go, the part's own texture stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.images.illumination import Illumination, treat

TREATMENTS = [Illumination.GAIN, Illumination.FLAT_FIELD]


def texture(channels: int = 1, *, seed: int = 0, side: int = 128) -> np.ndarray:
    """A part's grain around mid grey: uint8 [side, side, channels]."""
    grain = np.random.default_rng(seed).normal(90, 18, (side, side, channels))
    return grain.clip(30, 160).astype(np.uint8)


def scaled(image: np.ndarray, gain: float | np.ndarray) -> np.ndarray:
    return np.rint(image * gain).clip(0, 255).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(TREATMENTS), st.floats(0.6, 1.5), st.sampled_from([1, 3]), st.integers(0, 1000))
def test_exposure_makes_no_difference(illumination: Illumination, gain: float, channels: int, seed: int) -> None:
    image = texture(channels, seed=seed, side=64)
    before = treat(image, illumination).astype(int)
    after = treat(scaled(image, gain), illumination).astype(int)
    assert np.abs(after - before).mean() < 2.0
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.99


def test_without_treatment_exposure_would_make_a_difference() -> None:
    image = texture()
    assert np.abs(treat(scaled(image, 1.5), Illumination.NONE).astype(int) - image).mean() > 30


def side_difference(image: np.ndarray) -> float:
    """How much brighter the right quarter is than the left."""
    quarter = image.shape[1] // 4
    return abs(float(image[:, -quarter:].mean()) - float(image[:, :quarter].mean()))


def test_a_flat_field_removes_a_gradient_of_light() -> None:
    lamp = np.linspace(0.5, 1.5, 128)[None, :, None]
    lit = scaled(texture(), lamp)
    assert side_difference(lit) > 50
    assert side_difference(treat(lit, Illumination.FLAT_FIELD)) < 10
    assert side_difference(treat(lit, Illumination.GAIN)) > 50


def test_a_flat_field_makes_the_grain_equal_in_light_and_shade() -> None:
    lamp = np.linspace(0.5, 1.5, 128)[None, :, None]
    levelled = treat(scaled(texture(), lamp), Illumination.FLAT_FIELD)
    shade, light = float(levelled[:, :32].std()), float(levelled[:, -32:].std())
    assert light / shade == pytest.approx(1.0, abs=0.12)


def test_a_flat_field_keeps_a_small_defect() -> None:
    image = texture()
    image[60:64, 60:64] = 5
    levelled = treat(image, Illumination.FLAT_FIELD)
    assert float(levelled[60:64, 60:64].mean()) < float(levelled.mean()) - 60


def test_a_flat_field_keeps_hues() -> None:
    """The deviation is shared by the channels: where red swings more than blue, it still does afterwards."""
    image = np.repeat(texture(), 3, axis=2)
    image[:, :, 2] = scaled(image[:, :, 2] - 90.0, 0.25) + 90
    levelled = treat(image, Illumination.FLAT_FIELD)
    assert float(levelled[:, :, 0].std()) > 2 * float(levelled[:, :, 2].std())


@pytest.mark.parametrize("illumination", list(Illumination))
@pytest.mark.parametrize("shape", [(64, 64, 1), (64, 64, 3), (40, 100, 1), (100, 40, 3), (16, 16, 1), (1, 1, 1)])
def test_shape_and_type_stay(illumination: Illumination, shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    kept = image.copy()
    treated = treat(image, illumination)
    assert treated.shape == shape
    assert treated.dtype == np.uint8
    assert np.array_equal(image, kept)


@pytest.mark.parametrize("illumination", TREATMENTS)
@pytest.mark.parametrize("grey", [0, 1, 128, 255])
def test_a_constant_image_stays_constant(illumination: Illumination, grey: int) -> None:
    treated = treat(np.full((64, 64, 1), grey, np.uint8), illumination)
    assert treated.min() == treated.max()
    if grey:
        assert treated[0, 0, 0] == 128


def test_no_treatment_changes_nothing() -> None:
    image = texture(3)
    assert np.array_equal(treat(image, Illumination.NONE), image)
