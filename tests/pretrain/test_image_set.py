"""Reading a folder: what is unreadable is named and left out, the rest is trained on."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspection.errors import DatasetError
from inspection.images.decode import read_image
from inspection.images.digest import sha256_of_file, sha256_of_set
from inspection.images.folders import find_pictures
from inspection.images.preprocess import Preprocessing, prepare
from pretrain.data.image_set import ImageSet, load_images
from tests.pretrain.washers import write_washers

SMALL = Preprocessing(input_px=64)


def load(root: Path) -> ImageSet:
    return load_images(find_pictures(root), SMALL)


def test_images_are_prepared_as_the_station_prepares_them(washers: Path) -> None:
    images = load(washers)
    assert len(images) == 16
    assert images.pixels.shape == (16, 64, 64, 3)
    paths = sorted(washers.glob("*.png"))
    assert images.paths == tuple(paths)
    for place in (0, 7, 15):
        assert np.array_equal(images.pixels[place].numpy(), prepare(read_image(paths[place]), SMALL))
        assert images.digests[place] == sha256_of_file(paths[place])
    assert images.lots == ("",) * 16
    assert images.sha256 == sha256_of_set(images.digests)


def test_a_subset_keeps_all_that_belongs_together(washers: Path) -> None:
    images = load(washers)
    part = images.subset([5, 2])
    assert part.paths == (images.paths[5], images.paths[2])
    assert part.digests == (images.digests[5], images.digests[2])
    assert np.array_equal(part.pixels[1].numpy(), images.pixels[2].numpy())
    assert part.with_pixels(images.pixels[:2]).digests == part.digests


def test_folders_are_lots_and_sizes_may_differ(tmp_path: Path) -> None:
    write_washers(tmp_path / "monday", range(5))
    write_washers(tmp_path / "tuesday" / "late", range(5, 10), side_px=90)
    images = load(tmp_path)
    assert images.lots == ("monday",) * 5 + ("tuesday",) * 5


def damage(folder: Path) -> dict[str, str]:
    """Unreadable files by name, with what is said of each."""
    whole = next(folder.glob("washer-*.png")).read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "letter.png").write_text("Dear Sir", encoding="utf-8")
    (folder / "void.jpg").touch()
    cv2.imwrite(str(folder / "dot.png"), np.zeros((1, 1), np.uint8))
    return {
        "cut.png": "the image is damaged or cut short",
        "letter.png": "not a PNG, JPEG, BMP or TIFF image",
        "void.jpg": "not a PNG, JPEG, BMP or TIFF image",
        "dot.png": "1x1 pixels is too small",
    }


def test_unreadable_images_among_good_ones_are_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_washers(tmp_path, range(9))
    faults = damage(tmp_path)
    images = load(tmp_path)
    assert images.paths == tuple(good)
    told = capsys.readouterr().err.splitlines()
    for name, reason in faults.items():
        lines = [line for line in told if line.startswith(f"left out: {tmp_path / name}: ")]
        assert len(lines) == 1
        assert reason in lines[0]
    assert "4 of 13 images were left out" in told


def test_many_faults_are_counted_not_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_washers(tmp_path, range(8))
    for number in range(30):
        (tmp_path / f"letter-{number}.png").write_text("Dear Sir", encoding="utf-8")
    assert len(load(tmp_path)) == 8
    told = capsys.readouterr().err
    assert told.count("left out: ") == 5
    assert "30 of 38 images were left out" in told


@pytest.mark.skipif(os.name != "posix", reason="links to nowhere are a matter of POSIX")
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_washers(tmp_path, range(9))
    pictures = find_pictures(tmp_path)
    paths[4].unlink()
    told: list[str] = []
    monkeypatch.setattr("pretrain.data.image_set.say", told.append)
    assert len(load_images(pictures, SMALL)) == 8
    assert told == [
        f"left out: {paths[4]}: No such file or directory: make the file readable or remove it",
        "1 of 9 images were left out",
    ]


@pytest.mark.parametrize("count", [1, 7])
def test_too_few_images_are_refused(count: int, tmp_path: Path) -> None:
    write_washers(tmp_path, range(count))
    with pytest.raises(DatasetError, match=rf"{count} readable images?: give at least 8"):
        load(tmp_path)


def test_a_folder_without_a_readable_image_is_refused(tmp_path: Path) -> None:
    write_washers(tmp_path / "good", range(1))
    damage(tmp_path / "good")
    next((tmp_path / "good").glob("washer-*")).unlink()
    with pytest.raises(DatasetError, match="0 readable images, 4 damaged: give at least 8"):
        load(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no image: put \.bmp, "):
        load(tmp_path)


def test_more_images_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch, washers: Path) -> None:
    def refuse(*_: object) -> np.ndarray:
        raise MemoryError

    monkeypatch.setattr("pretrain.data.image_set.np.empty", refuse)
    with pytest.raises(DatasetError, match="16 images of 64 x 64: more than memory holds: give fewer images"):
        load(washers)
