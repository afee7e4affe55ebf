"""Folders of real pictures: what is learned from, what is posted, and what is said when it cannot work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy.demo.pictures import material_of
from inspection.errors import DatasetError
from inspection.images.decode import encode_png
from inspection.images.folders import find_pictures

PNG = encode_png(np.random.default_rng(0).integers(0, 255, (32, 40, 1), np.uint8))


def fill(folder: Path, count: int, content: bytes = PNG) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:03d}.png").write_bytes(content)


def test_a_flat_folder_holds_its_last_fifth_back(tmp_path: Path) -> None:
    fill(tmp_path / "flat", 20)
    material = material_of(tmp_path / "flat", tmp_path / "learn")
    learned = {picture.path.name for picture in find_pictures(material.training)}
    posted = {shot.path.name for shot in material.shots}
    assert learned == {f"{number:03d}.png" for number in range(16)}
    assert posted == {f"{number:03d}.png" for number in range(16, 20)}
    assert {shot.truth for shot in material.shots} == {None}


def test_each_lot_gives_its_share(tmp_path: Path) -> None:
    fill(tmp_path / "flat" / "monday", 10)
    fill(tmp_path / "flat" / "tuesday", 5)
    material = material_of(tmp_path / "flat", tmp_path / "learn")
    assert sorted(shot.lot for shot in material.shots) == ["monday", "monday", "tuesday"]
    assert {p.lot for p in find_pictures(material.training)} == {"monday", "tuesday"}


def test_labelled_tests_are_posted_under_names_that_tell_nothing(tmp_path: Path) -> None:
    root = tmp_path / "tiles"
    fill(root / "train" / "good", 5)
    fill(root / "test" / "good", 4)
    fill(root / "test" / "crack", 6)
    material = material_of(root, tmp_path / "learn")
    truths = [shot.truth for shot in material.shots]
    assert material.training == root / "train" / "good"
    assert sorted(map(str, truths)) == ["crack"] * 6 + ["good"] * 4
    assert truths != sorted(map(str, truths))
    assert not any("crack" in shot.part_id or "good" in shot.part_id for shot in material.shots)
    assert len({shot.part_id for shot in material.shots}) == 10


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: no such folder"):
        material_of(tmp_path / "nowhere", tmp_path / "learn")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="empty: holds no image"):
        material_of(tmp_path / "empty", tmp_path / "learn")


def test_not_one_readable_image(tmp_path: Path) -> None:
    fill(tmp_path / "texts", 12, b"this is no picture")
    with pytest.raises(DatasetError, match=r"texts: not one of its 12 images can be read; .*000\.png"):
        material_of(tmp_path / "texts", tmp_path / "learn")


def test_too_few_pictures(tmp_path: Path) -> None:
    fill(tmp_path / "few", 9)
    with pytest.raises(DatasetError, match="few: holds 9 images: give at least 10"):
        material_of(tmp_path / "few", tmp_path / "learn")


def test_tests_without_anything_to_learn_from(tmp_path: Path) -> None:
    fill(tmp_path / "tiles" / "test" / "crack", 3)
    with pytest.raises(DatasetError, match="tiles: holds no image"):
        material_of(tmp_path / "tiles", tmp_path / "learn")
