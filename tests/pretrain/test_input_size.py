"""The input follows the images' own size, within what the recipe allows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inspection.images.folders import find_pictures
from inspection.images.tiles import Tiling
from pretrain.data.input_size import fit_input
from pretrain.recipe import Recipe, load_recipe
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from tests.pretrain.tiny import tiny_recipe
from tests.pretrain.washers import washer

LINE = load_recipe("line")


def folder_of(root: Path, *sizes: tuple[int, int]) -> Path:
    for number, (width, height) in enumerate(sizes):
        cv2.imwrite(str(root / f"{number}.png"), np.full((height, width), 90, np.uint8))
    return root


@pytest.mark.parametrize(
    ("size", "side"),
    [
        ((512, 512), 512),
        ((1024, 2000), 512),
        ((400, 700), 384),
        ((330, 500), 320),
        ((500, 330), 320),
        ((300, 300), 256),
        ((80, 90), 256),
    ],
)
def test_the_shorter_side_counts_within_the_recipes_limits(size: tuple[int, int], side: int, tmp_path: Path) -> None:
    fitted = fit_input(LINE, find_pictures(folder_of(tmp_path, size)))
    assert fitted.preprocessing.input_px == side
    assert fitted.views.view_px == side // 2
    assert fitted.largest_input_px is None


def test_half_of_the_images_decide_and_unreadable_ones_do_not(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, (400, 400), (400, 400), (2000, 2000), (64, 64), (400, 400))
    (folder / "note.png").write_text("no image", encoding="utf-8")
    assert fit_input(LINE, find_pictures(folder)).preprocessing.input_px == 384


def test_a_recipe_that_settles_its_input_is_left_alone(tmp_path: Path) -> None:
    pictures = find_pictures(folder_of(tmp_path, (512, 512)))
    fixed = LINE.model_copy(update={"largest_input_px": None})
    assert fit_input(fixed, pictures) == fixed
    tiled = LINE.preprocessing.model_copy(update={"tiles": Tiling(tile_px=256)})
    in_tiles = LINE.model_copy(update={"preprocessing": tiled})
    assert fit_input(in_tiles, pictures) == in_tiles


def test_a_largest_input_below_the_least_is_refused() -> None:
    with pytest.raises(ValueError, match=r"largest_input_px 128 is below preprocessing\.input_px 256"):
        Recipe.model_validate({**LINE.model_dump(), "largest_input_px": 128})


def test_a_run_remembers_its_input_and_resumes_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(8):
        large = cv2.resize(washer(seed), (200, 140), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"{seed}.png"), large)
    recipe = tiny_recipe(dense_weight=1.0).model_copy(update={"largest_input_px": 256})
    request = TrainingRequest(recipe, folder, tmp_path / "run")
    train(request)
    assert RunDirectory(tmp_path / "run").read_record().recipe.preprocessing.input_px == 128
    resumed = train(TrainingRequest(recipe, folder, tmp_path / "run", resume=True))
    assert resumed.read_record().recipe.largest_input_px is None
