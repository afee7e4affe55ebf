"""What pretraining gave: both encoders of a run on the same pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor

from inspection.errors import DatasetError
from inspection.images.folders import find_pictures
from pretrain.data.image_set import load_images
from pretrain.evaluate.anomaly import check_encoder, load_test_images
from pretrain.evaluate.gain import Gain, measure_gain
from pretrain.run_directory import RunDirectory
from tests.pretrain.command_line import run
from tests.pretrain.washers import write_washers


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    """The sixteen washers of the run `finished`, with test pictures beside them."""
    write_washers(tmp_path / "train" / "good", range(16))
    write_washers(tmp_path / "test" / "good", range(100, 104))
    write_washers(tmp_path / "test" / "blot", range(104, 108), flaw=True)
    return tmp_path


def trained_pixels(finished: RunDirectory, root: Path) -> Tensor:
    images = load_images(find_pictures(root), finished.read_record().recipe.preprocessing)
    seen = finished.read_trained_digests()
    return images.pixels[[place for place, digest in enumerate(images.digests) if digest in seen]]


def test_each_encoder_is_checked_with_a_bank_of_the_trained_images(finished: RunDirectory, labeled: Path) -> None:
    gain = measure_gain(finished, labeled)
    recipe = finished.read_record().recipe
    normal = trained_pixels(finished, labeled)
    test = load_test_images(labeled, recipe.preprocessing)
    assert gain.init == check_encoder(finished.load_encoder(as_started=True), normal, test, recipe.seed)
    assert gain.pretrained == check_encoder(finished.load_encoder(), normal, test, recipe.seed)


def test_the_gain_is_after_less_before() -> None:
    gain = Gain({"image_auroc": 0.5}, {"image_auroc": 0.75})
    assert gain.of("image_auroc") == 0.25
    assert gain.of("linear_top1") is None
    assert replace(gain, init={"image_auroc": None}).figures["gain"] is None


def test_figures_of_defects_and_of_classes_stand_side_by_side() -> None:
    defects = Gain({"image_auroc": 0.5}, {"image_auroc": 0.75})
    classes = Gain({"linear_top1": 60.0, "knn_top1": 50.0}, {"linear_top1": 90.0, "knn_top1": 85.0})
    assert defects.figures == {"init": defects.init, "pretrained": defects.pretrained, "gain": 0.25}
    assert classes.figures == {
        "init": classes.init,
        "pretrained": classes.pretrained,
        "linear_top1": 90.0,
        "knn_top1": 85.0,
        "linear_top1_gain": 30.0,
    }
    both = defects.joined(classes).figures
    assert both["gain"] == 0.25
    assert both["linear_top1_gain"] == 30.0
    assert both["pretrained"] == {"image_auroc": 0.75, "linear_top1": 90.0, "knn_top1": 85.0}


def test_other_pictures_than_the_trained_ones_are_refused(finished: RunDirectory, tmp_path: Path) -> None:
    write_washers(tmp_path / "train" / "good", range(50, 60))
    write_washers(tmp_path / "test" / "good", range(100, 102))
    with pytest.raises(DatasetError, match="holds no image that"):
        measure_gain(finished, tmp_path)


def test_the_command_ends_with_its_figures(finished: RunDirectory, labeled: Path) -> None:
    answer = run("-m", "pretrain", "evaluate", finished.root, "--images", labeled)
    assert answer.status == 0
    assert set(answer.figures) == {"init", "pretrained", "gain"}
    assert answer.figures["gain"] == pytest.approx(
        answer.figures["pretrained"]["image_auroc"] - answer.figures["init"]["image_auroc"]
    )
