"""Rendered parts: the same from the same seed, and the truth about them is true."""

from __future__ import annotations

import numpy as np
import pytest

from deploy.demo.defects import KINDS, WRONG_PART
from deploy.demo.flange import IMAGE_PX
from deploy.demo.lots import STREAM_LOTS, TRAINING_LOTS
from deploy.demo.parts import VISIBLE_LEVELS, render_part


def test_the_same_seed_gives_the_same_part() -> None:
    first, again = (render_part(TRAINING_LOTS[0], 7, seed=3, kind="stain") for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.mask, again.mask)


def test_parts_of_one_lot_differ() -> None:
    first, second = (render_part(TRAINING_LOTS[0], serial, seed=3).image for serial in (1, 2))
    assert np.abs(first.astype(int) - second).mean() > 1.0


def test_a_sound_part_has_an_empty_mask() -> None:
    part = render_part(TRAINING_LOTS[0], 1, seed=3)
    assert part.image.shape == (IMAGE_PX, IMAGE_PX, 3)
    assert part.image.dtype == np.uint8
    assert not part.mask.any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("serial", [1, 2, 3, 4])
def test_the_mask_is_where_pixels_changed(kind: str, serial: int) -> None:
    part = render_part(STREAM_LOTS[0], serial, seed=5, kind=kind)
    sound = render_part(STREAM_LOTS[0], serial, seed=5)
    change = np.abs(part.image.astype(int) - sound.image).max(axis=2)
    marked = part.mask > 0
    assert marked.sum() >= 12
    assert change[marked].min() >= VISIBLE_LEVELS
    assert change[~marked].max() < VISIBLE_LEVELS


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != WRONG_PART])
def test_a_defect_of_a_place_is_small(kind: str) -> None:
    part = render_part(STREAM_LOTS[1], 9, seed=5, kind=kind)
    assert (part.mask > 0).mean() < 0.05


def test_lots_differ_more_than_their_parts() -> None:
    def tones(lot_number: int) -> np.ndarray:
        lot = TRAINING_LOTS[lot_number]
        images = [render_part(lot, serial, seed=3).image.astype(float) for serial in range(6)]
        return np.array([image[..., 0].mean() / image[..., 2].mean() for image in images])

    warm, cold = tones(2), tones(3)
    assert abs(warm.mean() - cold.mean()) > 3 * max(warm.std(), cold.std())


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind: 'rust'"):
        render_part(TRAINING_LOTS[0], 1, seed=3, kind="rust")
