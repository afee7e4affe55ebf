"""From strips to a bundle that judges strips: the promise is about parts, never about tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill.build import BuildRequest, build
from distill.evaluate import evaluate_bundle
from distill.parts import scores_of_parts
from distill.sides import load_sides
from inspection.bundle.reader import open_bundle
from inspection.errors import CalibrationError
from inspection.images.folders import find_pictures
from inspection.images.preprocess import Preprocessing
from inspection.scoring.session import Scores
from pretrain.data.image_set import ImageSet, load_images
from pretrain.run_directory import RunDirectory, RunRecord
from pretrain.train import TrainingRequest, train
from tests.distill.small import DISTILL_RECIPE
from tests.pretrain.test_tiled_pictures import TILE_COUNT, TILED, write_strips
from tests.pretrain.tiny import tiny_recipe


@pytest.fixture(scope="module")
def strips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("strips")
    write_strips(root / "train" / "good", range(16))
    write_strips(root / "test" / "good", range(20, 24))
    write_strips(root / "test" / "blot", range(30, 34), flaw=True)
    return root


def test_a_bundle_made_of_strips_judges_strips(strips: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(dense_weight=1.0, flaw_weight=1.0).model_copy(update={"preprocessing": TILED})
    train(TrainingRequest(recipe, strips, tmp_path / "run"))
    manifest = build(BuildRequest(DISTILL_RECIPE, tmp_path / "run", strips, tmp_path / "bundle"))
    assert manifest.preprocessing == TILED
    trained = RunDirectory(tmp_path / "run").read_trained_digests()
    held_out_count = 16 - len(trained) // TILE_COUNT
    assert len(trained) % TILE_COUNT == 0
    assert manifest.calibration.image_count == manifest.calibration.local_promise.image_count == held_out_count
    inspector = open_bundle(tmp_path / "bundle", threads=1)
    answers = [inspector.inspect(picture.path.read_bytes()) for picture in find_pictures(strips)]
    # Of those calibrated on, none lies above its own limit.
    assert sum(answer.part_score is not None and answer.part_score <= 1 for answer in answers) >= held_out_count
    evaluation = evaluate_bundle(tmp_path / "bundle", strips)
    assert evaluation.figures["image_auroc"] is not None


def tile_scores(images: ImageSet) -> Scores:
    rng = np.random.default_rng(0)
    maps = rng.uniform(0, 1, (len(images), 8, 8)).astype(np.float32)
    return Scores(maps, maps.max((1, 2)), maps.mean((1, 2)))


def test_scores_of_tiles_become_those_the_station_gives_the_strip(strips: Path) -> None:
    images = load_images(find_pictures(strips), TILED)
    scores, paths = scores_of_parts(tile_scores(images), images)
    assert len(scores) == len(paths) == 16
    assert [path.name for path in paths] == sorted(path.name for path in paths)
    tiles = tile_scores(images)
    for place in range(16):
        mine = slice(place * TILE_COUNT, (place + 1) * TILE_COUNT)
        assert scores.global_score[place] == tiles.global_score[mine].max()
        assert scores.local_score[place] == scores.anomaly_map[place].max()
        assert scores.local_score[place] <= tiles.local_score[mine].max() * (1 + 1e-6)


def test_whole_images_are_parts_already(strips: Path) -> None:
    images = load_images(find_pictures(strips), Preprocessing(input_px=64))
    scores = tile_scores(images)
    assert scores_of_parts(scores, images) == (scores, images.paths)


def test_a_strip_that_changed_meanwhile_stops_the_calibration(tmp_path: Path) -> None:
    write_strips(tmp_path / "strips", range(3))
    images = load_images(find_pictures(tmp_path / "strips"), TILED)
    images.paths[0].write_bytes(b"no picture")
    with pytest.raises(CalibrationError, match="is not as it was when it was cut in tiles"):
        scores_of_parts(tile_scores(images), images)


def test_too_few_strips_are_told_before_anything_is_distilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_strips(tmp_path / "strips", range(8))
    images = load_images(find_pictures(tmp_path / "strips"), TILED)
    run = RunDirectory(tmp_path / "run")
    trained = frozenset(images.digests[: 4 * TILE_COUNT])
    monkeypatch.setattr(RunDirectory, "read_trained_digests", lambda _: trained)
    recipe = tiny_recipe().model_copy(update={"preprocessing": TILED})
    record = RunRecord.model_construct(recipe=recipe)
    with pytest.raises(CalibrationError, match=r"4 images the teacher trained on and 4 it did not: give .* 5 more"):
        load_sides(tmp_path / "strips", run, record, 0)
