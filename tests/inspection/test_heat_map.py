"""The heat map is a picture that can be laid over the part."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from inspection.scoring.heat_map import colour_heat_map, encode_heat_map


def rendered(anomaly_map: np.ndarray, threshold: float = 1.0) -> np.ndarray:
    """The PNG's pixels as another decoder reads them: uint8 [H, W, 4], red first."""
    picture = Pillow.open(io.BytesIO(colour_heat_map(encode_heat_map(anomaly_map, threshold))))
    assert picture.format == "PNG"
    assert picture.mode == "RGBA"
    return np.asarray(picture)


def test_what_is_stored_is_small_and_what_older_versions_stored_is_shown() -> None:
    anomaly_map = np.random.default_rng(1).random((32, 32)).astype(np.float32)
    stored = encode_heat_map(anomaly_map, 0.5)
    coloured = colour_heat_map(stored)
    assert len(stored) < len(coloured) / 4
    assert colour_heat_map(coloured) == coloured


def test_it_has_the_proportions_of_the_map() -> None:
    height, width, _ = rendered(np.zeros((20, 50), np.float32)).shape
    assert width / height == pytest.approx(2.5)


def test_half_the_threshold_is_clear_and_twice_is_opaque() -> None:
    assert (rendered(np.full((8, 8), 0.5, np.float32))[:, :, 3] == 0).all()
    assert (rendered(np.full((8, 8), 2.0, np.float32))[:, :, 3] == 255).all()
    assert (rendered(np.full((8, 8), 900.0, np.float32))[:, :, 3] == 255).all()


def test_what_is_stronger_is_less_transparent() -> None:
    alphas = [int(rendered(np.full((8, 8), level, np.float32))[4, 4, 3]) for level in (0.4, 0.8, 1.2, 1.6, 2.1)]
    assert alphas == sorted(set(alphas))


def test_the_scale_follows_the_threshold() -> None:
    anomaly_map = np.random.default_rng(0).random((16, 16)).astype(np.float32)
    assert np.array_equal(rendered(anomaly_map, 0.5), rendered(anomaly_map * 8, 4.0))


def test_the_hot_spot_is_where_the_map_is_hot() -> None:
    anomaly_map = np.zeros((16, 16), np.float32)
    anomaly_map[12, 3] = 2.0
    alpha = rendered(anomaly_map)[:, :, 3]
    row, column = np.unravel_index(int(alpha.argmax()), alpha.shape)
    assert row / alpha.shape[0] == pytest.approx(12.5 / 16, abs=0.04)
    assert column / alpha.shape[1] == pytest.approx(3.5 / 16, abs=0.04)


def test_hot_is_warm_in_colour() -> None:
    red, green, blue = rendered(np.full((8, 8), 1.4, np.float32))[4, 4, :3].astype(int)
    assert red > green > blue


@pytest.mark.parametrize("threshold", [0.0, -1.0])
def test_a_threshold_of_nothing_divides_nothing(threshold: float) -> None:
    assert (rendered(np.ones((4, 4), np.float32), threshold)[:, :, 3] == 255).all()
