"""Tiles: they cover every image, and their maps fit together again as if it had never been cut."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.images.preprocess import Preprocessing, prepare, prepare_tiles
from inspection.images.tiles import TileLayout, Tiling, cut_tiles, lay_tiles, stitch_maps

INPUT_PX = 64
SIDES = st.integers(16, 700)


def layout_of(width_px: int, height_px: int, tile_px: int = 128, overlap: float = 0.25) -> TileLayout:
    return lay_tiles(width_px, height_px, Tiling(tile_px=tile_px, overlap=overlap), INPUT_PX)


@given(width=SIDES, height=SIDES, tile=st.integers(32, 300), overlap=st.sampled_from([0.125, 0.25, 0.5]))
@settings(max_examples=150, deadline=None)
def test_tiles_cover_the_image_with_the_overlap_asked_for(width: int, height: int, tile: int, overlap: float) -> None:
    layout = layout_of(width, height, tile, overlap)
    grain = layout.side_px * 16 // INPUT_PX
    assert layout.side_px % (INPUT_PX // 16) == 0
    for starts, length in ((layout.left_px, width), (layout.top_px, height)):
        assert starts[0] == 0
        assert starts[-1] + layout.side_px >= length
        assert starts[-1] + layout.side_px < length + max(grain, layout.side_px - length + 1)
        assert all(start % grain == 0 for start in starts)
        assert all(before < after for before, after in pairwise(starts))
        shared = layout.overlap_px(starts)
        assert len(starts) == 1 or shared >= min(overlap * layout.side_px, layout.side_px - grain)
    assert len(layout) == len(layout.places) == len(layout.left_px) * len(layout.top_px)


def test_a_long_strip_takes_no_more_tiles_than_it_needs() -> None:
    layout = lay_tiles(8000, 2000, Tiling(tile_px=512, overlap=0.25), 256)
    assert layout.side_px == 512
    assert (len(layout.left_px), len(layout.top_px)) == (21, 5)


def test_a_small_image_is_one_tile_and_a_narrow_one_a_row() -> None:
    assert len(layout_of(100, 100)) == 1
    assert layout_of(100, 100).side_px == 100
    narrow = layout_of(640, 40)
    assert narrow.side_px == 40
    assert len(narrow.top_px) == 1
    assert len(narrow.left_px) > 16


@pytest.mark.parametrize("shape", [(333, 500, 1), (130, 641, 3), (40, 40, 1), (17, 200, 3)])
def test_tiles_hold_the_pixels_of_their_places_and_mirror_beyond_the_edge(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    layout = layout_of(shape[1], shape[0])
    for (left, top), tile in zip(layout.places, cut_tiles(image, layout), strict=True):
        assert tile.shape == (layout.side_px, layout.side_px, shape[2])
        inside = image[top : top + layout.side_px, left : left + layout.side_px]
        assert np.array_equal(tile[: inside.shape[0], : inside.shape[1]], inside)
        if inside.shape[0] < layout.side_px:
            below = inside.shape[0]
            assert np.array_equal(tile[below, : inside.shape[1]], tile[below - 2, : inside.shape[1]])


@given(width=SIDES, height=SIDES, seed=st.integers(0, 99), stride=st.sampled_from([4, 8, 16]))
@settings(max_examples=100, deadline=None)
def test_maps_that_agree_are_stitched_without_a_trace(width: int, height: int, seed: int, stride: int) -> None:
    layout = layout_of(width, height)
    cells = INPUT_PX // stride
    per_cell = layout.side_px / cells
    rows = round(layout.top_px[-1] / per_cell) + cells
    columns = round(layout.left_px[-1] / per_cell) + cells
    whole = np.random.default_rng(seed).uniform(0, 9, (rows, columns)).astype(np.float32)
    maps = np.stack(
        [
            whole[round(top / per_cell) :, round(left / per_cell) :][:cells, :cells]
            for left, top in layout.places
        ]
    )  # fmt: skip
    stitched = stitch_maps(maps, layout)
    assert stitched.dtype == np.float32
    assert abs(stitched.shape[0] * per_cell - height) < per_cell
    assert abs(stitched.shape[1] * per_cell - width) < per_cell
    np.testing.assert_allclose(stitched, whole[: stitched.shape[0], : stitched.shape[1]], rtol=1e-5)


def test_the_edge_of_a_tile_leaves_no_seam() -> None:
    layout = layout_of(512, 128, overlap=0.5)
    maps = np.full((len(layout), 16, 16), 1.0, np.float32)
    # What zero padding does to the outermost cells.
    maps[:, :, [0, -1]] = 9.0
    stitched = stitch_maps(maps, layout)
    assert np.allclose(stitched[:, 1:-1], 1.0, atol=1e-4)
    assert np.allclose(stitched[:, [0, -1]], 9.0)


def test_tiles_of_another_level_blend_step_by_step() -> None:
    layout = layout_of(224, 128)
    assert len(layout) == 2
    maps = np.stack([np.full((16, 16), 0.0), np.full((16, 16), 1.0)]).astype(np.float32)
    row = stitch_maps(maps, layout)[8]
    assert row[0] == 0
    assert row[-1] == 1
    assert np.all(np.diff(row) >= 0)
    assert np.diff(row).max() < 0.55


def test_a_value_that_is_no_number_is_not_hidden() -> None:
    layout = layout_of(512, 128)
    maps = np.zeros((len(layout), 16, 16), np.float32)
    maps[1, 8, 8] = np.nan
    assert np.isnan(stitch_maps(maps, layout)).any()


def test_a_tile_is_prepared_as_an_image_of_its_own() -> None:
    preprocessing = Preprocessing(input_px=INPUT_PX, tiles=Tiling(tile_px=128))
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (200, 300), dtype=np.uint8), (0, 0), 2)[
        ..., None
    ]
    layout = preprocessing.lay_tiles(300, 200)
    assert layout is not None
    tiles = prepare_tiles(image, layout, preprocessing)
    assert tiles.shape == (len(layout), INPUT_PX, INPUT_PX, 3)
    left, top = layout.places[-1]
    alone = prepare(cut_tiles(image, layout)[-1], preprocessing)
    assert np.array_equal(tiles[-1], alone)
    assert (left, top) == (layout.left_px[-1], layout.top_px[-1])


def test_preprocessing_without_tiles_is_described_as_before() -> None:
    assert "tiles" not in Preprocessing().model_dump(mode="json")
    assert Preprocessing().lay_tiles(8000, 2000) is None
    cut = Preprocessing(tiles=Tiling())
    assert Preprocessing.model_validate(cut.model_dump(mode="json")) == cut
    assert cut.sha256() != Preprocessing().sha256()
