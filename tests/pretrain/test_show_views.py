"""The picture of what a recipe asks: what it draws is what a training step draws, and it can be drawn of any images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from inspection.errors import DatasetError, StorageError
from inspection.images.decode import read_image
from inspection.images.folders import find_pictures
from inspection.images.illumination import Illumination
from pretrain.__main__ import app
from pretrain.evaluate.embeddings import as_input
from pretrain.recipe import Recipe
from pretrain.show_views.canvas import TILE_PX, as_tile, wrap
from pretrain.show_views.drawn import Drawn, draw, read_sources
from pretrain.show_views.panels import COLUMNS, panels_of
from pretrain.show_views.picture import ShowOptions, show_recipe
from tests.pretrain.command_line import call
from tests.pretrain.tiny import tiny_recipe


def recipe(*, views: dict[str, Any] | None = None, encoder: dict[str, Any] | None = None, **method: Any) -> Recipe:
    chosen = tiny_recipe(encoder=encoder, **{"dense_weight": 1.0, "flaw_weight": 1.0, **method})
    return chosen.model_copy(update={"views": chosen.views.model_copy(update=views or {})})


def drawn_of(folder: Path, chosen: Recipe, count: int = 2, seed: int = 0) -> list[Drawn]:
    return draw(read_sources(find_pictures(folder), chosen, count, seed), chosen, seed)


def write_pictures(folder: Path, *sizes: tuple[int, ...]) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, size in enumerate(sizes):
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(0, 255, size, dtype=np.uint8))
    return folder


def read_at(image: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The colours of uint8 [V, V, 3] at a place in -1..1."""
    pixels = as_input(torch.from_numpy(image)[None], torch.device("cpu"))
    sampled = F.grid_sample(pixels, torch.from_numpy(place).float()[None, None, None], align_corners=False)
    return sampled[0, :, 0, 0].numpy()


def test_places_with_one_number_are_one_place_on_the_part(washers: Path) -> None:
    still = {"jitter_rate": 0.0, "grey_rate": 0.0, "blur_rate": 0.0, "min_area": 0.3}
    pictures = drawn_of(washers, recipe(views=still), count=8)
    compared = 0
    for drawn in pictures:
        side = len(drawn.shared)
        for place, match in zip(drawn.places, drawn.matches, strict=True):
            column, row = ((place + 1) / 2 * side).astype(int)
            assert drawn.shared[row, column]
            in_image = [
                spot @ placement[:, :2].T + placement[:, 2]
                for spot, placement in ((place, drawn.placements[0]), (match, drawn.placements[-1]))
            ]
            assert in_image[0] == pytest.approx(in_image[1], abs=1e-5)
            assert np.abs(read_at(drawn.views[0], place) - read_at(drawn.views[-1], match)).mean() < 0.2
            compared += 1
    assert compared > 20


def test_the_flaw_is_where_its_outline_says(washers: Path) -> None:
    for drawn in drawn_of(washers, recipe(), count=8):
        difference = np.abs(drawn.flawed.astype(int) - drawn.views[0]).mean(axis=2)
        assert difference[drawn.changed].mean() > 5
        assert difference[~drawn.changed].mean() < 2
        assert not (drawn.flaw_cells & drawn.near_flaw).any()


def test_a_seed_draws_the_same_and_another_draws_other_views(washers: Path) -> None:
    first, again, other = (drawn_of(washers, recipe(), seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first.views[0], again.views[0])
    assert np.array_equal(first.flawed, again.flawed)
    assert not np.array_equal(first.views[0], other.views[0])


@pytest.mark.parametrize(
    ("views", "method", "titles"),
    [
        ({}, {}, ["View 1", "View 2", "View 3", "What is held against what", "View 1 in 2 x 2 patches"]),
        ({"count": 2}, {}, ["View 1", "View 2", "What is held against what", "The same in view 2"]),
        ({"small_px": 32}, {"small_weight": 1.0}, ["View 3", "Small views"]),
        ({}, {"grid": 4, "combined_patches": 2}, ["View 1 in 4 x 4 patches", "Patches averaged"]),
        ({}, {"local_weight": 0.0}, ["View 2", "Patches", "The same in view 2"]),
        ({}, {"dense_weight": 0.0, "flaw_weight": 0.0}, ["Matched places", "Synthetic flaw"]),
    ],
)
def test_the_panels_follow_the_recipe(
    views: dict[str, Any], method: dict[str, Any], titles: list[str], washers: Path
) -> None:
    chosen = recipe(views=views, **method)
    rows = panels_of(drawn_of(washers, chosen, count=1)[0], chosen)
    found = [panel.title for row in rows for panel in row]
    assert set(titles) <= set(found)
    assert ("View 3" in found) == (chosen.view_count == 3)
    assert all(len(row) <= COLUMNS for row in rows)
    assert all(panel.tile.size == (TILE_PX, TILE_PX) for row in rows for panel in row)


def test_of_many_combinations_a_few_are_shown_and_their_number_is_told(washers: Path) -> None:
    chosen = recipe(grid=4, combined_patches=2)
    rows = panels_of(drawn_of(washers, chosen, count=1)[0], chosen)
    assert rows[1][1].sentence.endswith("12 of 120 are shown")


@pytest.mark.parametrize("size", [(40, 40), (30, 240), (240, 30, 3), (16, 16, 3)])
def test_one_image_of_any_shape_is_enough(size: tuple[int, ...], tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "images", size)
    out = tmp_path / "new" / "views.png"
    shown = show_recipe(recipe(), folder, out, ShowOptions(count=5))
    assert shown == [folder / "0.png"]
    picture = read_image(out)
    assert picture.shape[1] > COLUMNS * TILE_PX
    assert picture.shape[0] > 2 * TILE_PX


def test_grey_encoders_are_shown_grey_views(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "images", (64, 64, 3))
    chosen = recipe(encoder={"colour": False})
    drawn = drawn_of(folder, chosen, count=1)[0]
    assert drawn.views[0].shape[2] == 1
    assert len(panels_of(drawn, chosen)[0]) == COLUMNS


def test_tiles_keep_the_proportions_of_the_image() -> None:
    tile = np.asarray(as_tile(np.zeros((20, 80, 1), np.uint8)))
    dark = (tile.mean(axis=2) < 128).sum(axis=0)
    assert dark.max() == pytest.approx(TILE_PX / 4, abs=1)
    assert (dark > 0).sum() == TILE_PX


def test_words_are_never_lost_in_wrapping() -> None:
    text = "one place on the part must look alike in two views"
    lines = wrap(text, 15, 120)
    assert len(lines) > 1
    assert " ".join(lines) == text


def test_unreadable_images_are_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pictures(tmp_path / "images", (64, 64))
    (folder / "broken.png").write_bytes(b"\x89PNG nothing")
    assert show_recipe(recipe(), folder, tmp_path / "views.png", ShowOptions()) == [folder / "0.png"]
    assert "left out: " + str(folder / "broken.png") in capsys.readouterr().err
    (folder / "0.png").unlink()
    with pytest.raises(DatasetError, match="no readable image: "):
        show_recipe(recipe(), folder, tmp_path / "views.png", ShowOptions())


def test_the_treatment_of_light_can_be_chosen(washers: Path) -> None:
    out = washers.parent / "views-light.png"
    pictures = []
    for illumination in (None, Illumination.FLAT_FIELD):
        show_recipe(recipe(), washers, out, ShowOptions(count=1, illumination=illumination))
        pictures.append(out.read_bytes())
    assert pictures[0] != pictures[1]


def test_a_place_that_cannot_be_written_is_told(washers: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"views.png: not written"):
        show_recipe(recipe(), washers, tmp_path / "file" / "views.png", ShowOptions(count=1))


def test_the_command_writes_the_picture_and_says_where(
    washers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "views.png"
    answer = call(app, capsys, monkeypatch, "show-views", "demo", "--images", washers, "--out", out, "--count", "1")
    assert answer.status == 0
    assert answer.figures["picture"] == str(out)
    assert read_image(out).shape[2] == 3
