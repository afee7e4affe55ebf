"""Which pictures a folder holds, their lots, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inspection.errors import DatasetError
from inspection.images.folders import find_labeled_pictures, find_pictures, training_folder

Plant = Callable[..., Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Puts empty files below a root and returns it."""

    def put(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return put


def names(root: Path) -> list[tuple[str, str]]:
    return [(picture.path.name, picture.lot) for picture in find_pictures(root)]


def test_a_flat_folder_is_one_unnamed_lot(plant: Plant) -> None:
    root = plant("b.png", "a.JPG", "c.tiff", "d.bmp", "notes.txt", "Thumbs.db")
    assert names(root) == [("a.JPG", ""), ("b.png", ""), ("c.tiff", ""), ("d.bmp", "")]


def test_folders_are_lots_named_by_the_first_level(plant: Plant) -> None:
    root = plant("lot-2/x.png", "lot-1/camera-a/y.png", "lot-1/camera-b/y.png", "z.png")
    assert names(root) == [("y.png", "lot-1"), ("y.png", "lot-1"), ("x.png", "lot-2"), ("z.png", "")]


@pytest.mark.parametrize("train", ["train/good", "train"])
def test_training_pictures_come_from_the_train_folder_only(plant: Plant, train: str) -> None:
    root = plant(f"{train}/lot-1/a.png", f"{train}/b.png", "test/good/c.png", "ground_truth/hole/d_mask.png", "e.png")
    assert training_folder(root) == root / train
    assert names(root) == [("b.png", ""), ("a.png", "lot-1")]


def test_labeled_pictures_are_never_training_pictures(plant: Plant) -> None:
    root = plant("a.png", "lot-1/test/b.png", "test/hole/c.png", "ground_truth/hole/c_mask.png")
    assert names(root) == [("a.png", ""), ("b.png", "lot-1")]


def test_files_of_the_operating_system_are_no_pictures(plant: Plant) -> None:
    assert names(plant("a.png", "._a.png", ".thumbnails/a.png", "lot/.cache/b.png")) == [("a.png", "")]


def test_a_root_below_a_hidden_folder_is_read(plant: Plant) -> None:
    root = plant(".kensa/lines/a.png") / ".kensa" / "lines"
    assert names(root) == [("a.png", "")]


def test_a_folder_named_like_a_picture_is_none(plant: Plant) -> None:
    assert names(plant("old.png/a.png")) == [("a.png", "old.png")]


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: no such folder"):
        find_pictures(tmp_path / "nowhere")


def test_a_file_is_no_folder(plant: Plant) -> None:
    with pytest.raises(DatasetError, match=r"a\.png: no such folder"):
        find_pictures(plant("a.png") / "a.png")


def test_an_empty_folder_names_the_formats(plant: Plant) -> None:
    with pytest.raises(DatasetError, match=r"holds no image: put \.bmp, .*\.tiff files there"):
        find_pictures(plant("notes.txt"))


def test_an_empty_train_folder_is_named_itself(plant: Plant) -> None:
    with pytest.raises(DatasetError, match=r"train/good: holds no image"):
        find_pictures(plant("train/good/notes.txt", "a.png"))


def test_labels_and_masks(plant: Plant) -> None:
    root = plant(
        "train/good/a.png",
        "test/good/b.png",
        "test/hole/c.png",
        "test/hole/d.jpg",
        "test/stray.png",
        "ground_truth/hole/c_mask.png",
        "ground_truth/hole/d_mask.png",
        "ground_truth/crack/c_mask.png",
        "test/crack/e.png",
    )
    found = find_labeled_pictures(root)
    assert [(picture.path.name, picture.defect, picture.is_defective) for picture in found] == [
        ("e.png", "crack", True),
        ("b.png", "good", False),
        ("c.png", "hole", True),
        ("d.jpg", "hole", True),
    ]
    masks = [picture.mask and picture.mask.relative_to(root).as_posix() for picture in found]
    assert masks == [None, None, "ground_truth/hole/c_mask.png", "ground_truth/hole/d_mask.png"]


def test_without_a_test_folder_nothing_is_labeled(plant: Plant) -> None:
    assert find_labeled_pictures(plant("a.png")) == []
