"""The frozen-encoder check: figures against counting by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from inspection.errors import DatasetError, ImageError
from inspection.images.preprocess import Preprocessing
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.anomaly import check_encoder, load_test_images
from pretrain.evaluate.normality import learn_normality
from tests.pretrain.tiny import tiny_recipe
from tests.pretrain.washers import washer, write_washers

SMALL = Preprocessing(input_px=64)


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    """Four good washers, four with a blot and its mask, two with a blot and none."""
    write_washers(tmp_path / "test" / "good", range(100, 104))
    write_washers(tmp_path / "test" / "blot", range(104, 108), flaw=True)
    write_washers(tmp_path / "test" / "unmarked", range(108, 110), flaw=True)
    (tmp_path / "ground_truth" / "blot").mkdir(parents=True)
    for seed in range(104, 108):
        dark = (washer(seed, flaw=True).mean(2) < 40).astype(np.uint8) * 255
        cv2.imwrite(str(tmp_path / "ground_truth" / "blot" / f"washer-{seed:04d}_mask.png"), dark)
    return tmp_path


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(tiny_recipe().encoder)


def normal() -> torch.Tensor:
    return torch.stack([torch.from_numpy(washer(seed)) for seed in range(12)])


def test_labeled_pictures_come_with_their_masks(labeled: Path) -> None:
    test = load_test_images(labeled, SMALL)
    assert [picture.defect for picture in test.pictures] == ["blot"] * 4 + ["good"] * 4 + ["unmarked"] * 2
    assert test.is_defective.tolist() == [True] * 4 + [False] * 4 + [True] * 2
    assert test.has_mask.tolist() == [True] * 8 + [False] * 2
    assert test.masks.shape == (10, 256, 256)
    assert [bool(mask.any()) for mask in test.masks] == [True] * 4 + [False] * 6
    assert test.pixels.shape == (10, 64, 64, 3)
    assert np.array_equal(test.pixels[4].numpy(), washer(100))


def test_figures_are_shares_of_pairs(labeled: Path, encoder: Encoder) -> None:
    test = load_test_images(labeled, SMALL)
    figures = check_encoder(encoder, normal(), test, 0)
    normality = learn_normality(encoder, normal(), 4096, torch.Generator().manual_seed(0), draws=3)
    draws: list[list[float]] = normality.map_anomalies(test.pixels).flatten(2).amax(2).tolist()
    assert len(draws) == 3

    def share(chosen: list[int]) -> float:
        """Of pairs in which the defective image peaks higher, in the mean over draws of the banks."""
        wins = [peaks[bad] > peaks[good] for peaks in draws for bad in chosen for good in range(4, 8)]
        return sum(wins) / len(wins)

    assert figures["image_auroc"] == pytest.approx(share([0, 1, 2, 3, 8, 9]))
    by_defect = figures["by_defect"]
    assert isinstance(by_defect, dict)
    assert by_defect == pytest.approx({"blot": share([0, 1, 2, 3]), "unmarked": share([8, 9])})
    assert {"pixel_auroc", "aupro"} <= set(figures)


def test_the_check_follows_from_its_seed(labeled: Path, encoder: Encoder) -> None:
    test = load_test_images(labeled, SMALL)
    assert check_encoder(encoder, normal(), test, 0) == check_encoder(encoder, normal(), test, 0)


def test_what_cannot_be_checked_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no test folder: give a folder with test/good"):
        load_test_images(tmp_path, SMALL)
    (tmp_path / "test" / "good").mkdir(parents=True)
    (tmp_path / "test" / "good" / "letter.png").write_text("Dear Sir", encoding="utf-8")
    with pytest.raises(ImageError, match=r"letter\.png: not a PNG"):
        load_test_images(tmp_path, SMALL)
