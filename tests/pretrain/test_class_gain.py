"""`python -m pretrain evaluate --labeled`: both encoders of a run, asked for classes they were never told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pretrain.__main__ import app
from pretrain.evaluate.classes import check_classes, check_pixels
from pretrain.evaluate.labeled_images import LabeledImages, LabeledPart, find_labeled_files, load_labeled_images
from pretrain.evaluate.linear_probe import linear_top1
from pretrain.evaluate.nearest_neighbours import knn_top1
from pretrain.run_directory import RunDirectory
from tests.pretrain.command_line import call
from tests.pretrain.labeled import write_pack
from tests.pretrain.washers import write_washers


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    """Washers with a flaw and without: whole ones among them that the run `finished` was trained on."""
    write_washers(tmp_path / "labeled" / "whole", range(16))
    write_washers(tmp_path / "labeled" / "flawed", range(200, 210), flaw=True)
    return tmp_path / "labeled"


def test_the_command_ends_with_top1_of_both_encoders(
    finished: RunDirectory, labeled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = call(app, capsys, monkeypatch, "evaluate", finished.root, "--labeled", labeled)
    assert answer.status == 0
    figures = answer.figures
    recipe = finished.read_record().recipe
    images = load_labeled_images(find_labeled_files(labeled, recipe.seed), recipe.preprocessing)
    assert figures["init"] == check_classes(finished.load_encoder(as_started=True), images)
    assert figures["pretrained"] == check_classes(finished.load_encoder(), images)
    assert figures["linear_top1"] == figures["pretrained"]["linear_top1"]
    assert figures["knn_top1"] == figures["pretrained"]["knn_top1"]
    assert figures["linear_top1_gain"] == figures["linear_top1"] - figures["init"]["linear_top1"]
    assert "gain" not in figures
    assert "21 images fit, 5 judge; the split is ours: 20% of each class drawn by seed 0" in answer.err
    trained = finished.read_trained_digests()
    seen = sum(digest in trained for digest in images.test.digests)
    assert seen > 0
    assert f"{seen} of the images that judge were pretrained on, without their class" in answer.err


def test_the_probe_sees_the_pooled_features_of_a_frozen_encoder(finished: RunDirectory, labeled: Path) -> None:
    encoder = finished.load_encoder().train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    images = load_labeled_images(find_labeled_files(labeled, 0), finished.read_record().recipe.preprocessing)
    figures = check_classes(encoder, images)
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    with torch.inference_mode():
        train, test = (
            encoder.eval().pooled(part.pixels.permute(0, 3, 1, 2) / 255) for part in (images.train, images.test)
        )
    truth = [torch.from_numpy(part.labels) for part in (images.train, images.test)]
    assert figures["linear_top1"] == linear_top1(train.numpy(), truth[0].numpy(), test.numpy(), truth[1].numpy())
    assert figures["knn_top1"] == knn_top1(train, truth[0], test, truth[1])


def test_bare_pixels_are_compared_less_their_mean() -> None:
    def part(values: list[int], labels: list[int]) -> LabeledPart:
        pixels = torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 2, 2, 3)
        return LabeledPart(pixels, torch.tensor(labels).numpy(), ())

    # All grey: they point the same way, until the mean of 100 is taken off.
    images = LabeledImages(part([50, 60, 140, 150], [0, 0, 1, 1]), part([90, 110], [0, 1]), ("dark", "bright"), "")
    assert check_pixels(images) == {"knn_top1": 100.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "evaluate: nothing to measure on: give --images, --labeled or both"),
        (["--labeled", "{tmp}/missing"], "missing: no such folder: give a labeled folder or a pack of JPEG images"),
        (["--labeled", "{tmp}/some.npz"], "some.npz: has no array is_test: give a pack with jpeg, offsets, labels"),
    ],
)
def test_a_users_error_is_one_line(
    options: list[str],
    message: str,
    finished: RunDirectory,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_pack(tmp_path / "some.npz", is_test=None)
    filled = [option.format(tmp=tmp_path) for option in options]
    answer = call(app, capsys, monkeypatch, "evaluate", finished.root, *filled)
    assert answer.status == 2
    assert message in answer.error
    assert answer.out == ""
