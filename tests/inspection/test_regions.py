"""Regions lie where the defect is, in the camera's own pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.scoring.regions import MAX_REGION_COUNT, find_regions


def quiet_map(height: int = 32, width: int = 32) -> np.ndarray:
    return np.full((height, width), 0.2, np.float32)


def test_nothing_above_the_threshold() -> None:
    assert find_regions(quiet_map(), 0.2, width_px=640, height_px=480) == ()


@pytest.mark.parametrize(("width_px", "height_px"), [(640, 480), (32, 32), (20, 25), (8000, 2000), (100, 3000)])
def test_a_blob_comes_back_where_it_was(width_px: int, height_px: int) -> None:
    anomaly_map = quiet_map()
    anomaly_map[8:12, 20:28] = 3.0
    (region,) = find_regions(anomaly_map, 1.0, width_px=width_px, height_px=height_px)
    assert region.x_px == pytest.approx(20 / 32 * width_px, abs=1)
    assert region.y_px == pytest.approx(8 / 32 * height_px, abs=1)
    assert region.width_px == pytest.approx(8 / 32 * width_px, abs=2)
    assert region.height_px == pytest.approx(4 / 32 * height_px, abs=2)
    assert region.area_px == pytest.approx(32 / 32**2 * width_px * height_px, abs=1)
    assert region.peak_score == 3.0


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(16, 3000),
    st.integers(16, 3000),
    st.integers(0, 2**32 - 1),
    st.floats(0.1, 0.99),
)
def test_every_region_lies_in_the_image_and_the_strongest_is_the_maximum(
    rows: int, columns: int, width_px: int, height_px: int, seed: int, threshold: float
) -> None:
    anomaly_map = np.random.default_rng(seed).random((rows, columns), np.float32)
    regions = find_regions(anomaly_map, threshold, width_px=width_px, height_px=height_px)
    assert bool(regions) == bool((anomaly_map > threshold).any())
    assert len(regions) <= MAX_REGION_COUNT
    peaks = [region.peak_score for region in regions]
    assert peaks == sorted(peaks, reverse=True)
    if regions:
        assert peaks[0] == anomaly_map.max()
    for region in regions:
        assert 0 <= region.x_px < region.x_px + region.width_px <= width_px
        assert 0 <= region.y_px < region.y_px + region.height_px <= height_px
        assert 1 <= region.area_px <= region.width_px * region.height_px


def test_one_cell_above_the_threshold_is_enough() -> None:
    """The local score is the map's peak: a part that is held for it must show where."""
    anomaly_map = quiet_map()
    anomaly_map[3, 30] = 0.7
    (region,) = find_regions(anomaly_map, 0.69, width_px=103, height_px=222)
    assert region.peak_score == pytest.approx(0.7)
    assert region.x_px <= 30.5 / 32 * 103 <= region.x_px + region.width_px
    assert region.y_px <= 3.5 / 32 * 222 <= region.y_px + region.height_px


def test_cells_that_touch_at_a_corner_are_one_region() -> None:
    anomaly_map = quiet_map()
    anomaly_map[4, 4] = anomaly_map[5, 5] = 2.0
    (region,) = find_regions(anomaly_map, 1.0, width_px=32, height_px=32)
    assert (region.width_px, region.height_px, region.area_px) == (2, 2, 2)


def test_the_strongest_of_many_are_kept() -> None:
    anomaly_map = quiet_map(40, 40)
    anomaly_map[::4, ::4] = np.arange(100, dtype=np.float32).reshape(10, 10) + 1
    regions = find_regions(anomaly_map, 0.5, width_px=400, height_px=400)
    assert [region.peak_score for region in regions] == [float(100 - rank) for rank in range(MAX_REGION_COUNT)]
