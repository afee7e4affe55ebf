"""Labeled images from packs and folders, and what is said of those that cannot be used."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspection.errors import DatasetError, UndecodableImage
from inspection.images.preprocess import Preprocessing
from pretrain.evaluate.labeled_images import find_labeled_files, load_labeled_images
from tests.pretrain.labeled import CLASSES, pack_arrays, picture, write_class_folder, write_pack

SMALL = Preprocessing(input_px=32)


def names(path: Path, *, is_test: bool, seed: int = 0) -> set[str]:
    return {file.name for file in find_labeled_files(path, seed).part(is_test=is_test)}


def test_a_pack_gives_back_the_files_it_was_made_from(tmp_path: Path) -> None:
    files = find_labeled_files(write_pack(tmp_path / "pack.npz", train=3, test=2), 0)
    assert files.classes == CLASSES
    assert [file.label for file in files.files] == [0, 1, 2] * 5
    assert [file.is_test for file in files.files] == [False] * 9 + [True] * 6
    fifth = cv2.imencode(".jpg", picture(1, 4))[1].tobytes()
    assert files.files[4].read() == fifth
    assert files.files[4].suffix == ".jpg"


def test_a_pack_is_decoded_and_prepared_in_its_order(tmp_path: Path) -> None:
    images = load_labeled_images(find_labeled_files(write_pack(tmp_path / "pack.npz", train=3, test=2), 0), SMALL)
    assert images.train.pixels.shape == (9, 32, 32, 3)
    assert images.test.pixels.shape == (6, 32, 32, 3)
    assert images.train.labels.tolist() == [0, 1, 2] * 3
    shades = images.train.pixels.float().mean(dim=(1, 2, 3))
    assert shades.view(3, 3).mean(0).tolist() == pytest.approx([70, 180, 125], abs=4)
    assert len(set(images.train.digests + images.test.digests)) == 15


def test_a_folder_with_train_and_test_keeps_its_split(tmp_path: Path) -> None:
    for label in range(3):
        write_class_folder(tmp_path / "train", label, 4)
        write_class_folder(tmp_path / "test", label, 2, first=4)
    files = find_labeled_files(tmp_path, 0)
    assert files.classes == tuple(sorted(CLASSES))
    assert all(file.is_test == ("/test/" in file.name) for file in files.files)
    assert all(f"/{files.classes[file.label]}/" in file.name for file in files.files)
    assert len(files.part(is_test=False)) == 12
    assert "own" in files.split


def test_class_folders_are_split_class_by_class_and_told(tmp_path: Path) -> None:
    for label, count in enumerate((10, 20, 4)):
        write_class_folder(tmp_path, label, count)
    files = find_labeled_files(tmp_path, 5)
    held = Counter(files.classes[file.label] for file in files.part(is_test=True))
    assert held == {"dark": 2, "bright": 4, "striped": 1}
    assert files.split == "ours: 20% of each class drawn by seed 5"
    assert names(tmp_path, is_test=True, seed=5) == names(tmp_path, is_test=True, seed=5)
    assert names(tmp_path, is_test=True, seed=5) != names(tmp_path, is_test=True, seed=6)
    assert not names(tmp_path, is_test=True) & names(tmp_path, is_test=False)


def test_some_classes_and_some_images_can_be_chosen(tmp_path: Path) -> None:
    files = find_labeled_files(write_pack(tmp_path / "pack.npz", train=5, test=2), 0)
    some = files.only(["striped", "dark"], 3)
    assert some.classes == ("striped", "dark")
    assert [file.label for file in some.part(is_test=False)] == [0, 0, 0, 1, 1, 1]
    assert [file.label for file in some.part(is_test=True)] == [0, 0, 1, 1]
    kept = {file.name: some.classes[file.label] for file in some.files}
    assert all(kept.get(file.name, name) == name for file in files.files for name in [files.classes[file.label]])
    with pytest.raises(DatasetError, match="class round: not in the data: choose from dark, bright, striped"):
        files.only(["round"], None)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"labels": None}, "has no array labels: give a pack with jpeg, offsets"),
        ({"jpeg": np.zeros(10)}, "jpeg is no row of bytes"),
        ({"offsets": np.arange(4)}, "offsets must be 37 whole numbers"),
        ({"offsets": np.zeros(37, int)}, "offsets do not cut jpeg in images"),
        ({"labels": np.full(36, 3)}, "labels must be whole numbers below 3, the number of classes"),
        ({"labels": np.linspace(0, 1, 36)}, "labels must be whole numbers"),
        ({"is_test": np.zeros(36)}, "is_test must be 36 truth values"),
        ({"is_test": np.ones(36, bool)}, "class dark has no image to fit on"),
        ({"classes": np.array([{}], dtype=object)}, "not a pack of JPEG images"),
    ],
)
def test_a_pack_that_does_not_fit_is_named(tmp_path: Path, other: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=r"pack\.npz") as told:
        find_labeled_files(write_pack(tmp_path / "pack.npz", **other), 0)
    assert message in str(told.value)


def test_a_file_that_is_no_pack_is_named(tmp_path: Path) -> None:
    whole = write_pack(tmp_path / "pack.npz").read_bytes()
    for content in (b"", whole[:-100], whole[:2000] + b"?" * 50 + whole[2050:], b"PK\x03\x04 cut short", b"plain text"):
        (tmp_path / "pack.npz").write_bytes(content)
        with pytest.raises(DatasetError, match=r"pack.npz: not a pack of JPEG images \("):
            find_labeled_files(tmp_path / "pack.npz", 0)
    with pytest.raises(DatasetError, match=r"other\.npz: no such file"):
        find_labeled_files(tmp_path / "other.npz", 0)


def test_folders_that_name_no_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="missing: no such folder"):
        find_labeled_files(tmp_path / "missing", 0)
    write_class_folder(tmp_path, 0, 3)
    with pytest.raises(DatasetError, match=": 1 classes of images: give two or more"):
        find_labeled_files(tmp_path, 0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="class empty has no image to fit on"):
        find_labeled_files(tmp_path, 0)


def test_a_test_class_that_nothing_fits_is_refused(tmp_path: Path) -> None:
    for label in range(2):
        write_class_folder(tmp_path / "train", label, 2)
        write_class_folder(tmp_path / "test", label + 1, 2)
    with pytest.raises(DatasetError, match="test/striped: no such class in train"):
        find_labeled_files(tmp_path, 0)


def test_a_broken_image_ends_the_measurement(tmp_path: Path) -> None:
    arrays = pack_arrays(8, 4)
    arrays["jpeg"][arrays["offsets"][5] : arrays["offsets"][6]] = 0
    files = find_labeled_files(write_pack(tmp_path / "pack.npz", **arrays), 0)
    with pytest.raises(UndecodableImage, match=r"pack.npz\[5\]: not a PNG, JPEG, BMP or TIFF image"):
        load_labeled_images(files, SMALL)
