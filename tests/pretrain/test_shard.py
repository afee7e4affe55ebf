"""Shards: made once, mapped ever after, and made anew when they are not what they should be."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import pretrain.data.image_set
import pretrain.data.reading
from inspection.errors import DatasetError, StorageError
from inspection.images.decode import Image
from inspection.images.folders import find_pictures
from inspection.images.preprocess import Preprocessing
from pretrain.data.image_set import ImageSet, load_images, map_images
from pretrain.data.shard import read_shard, shard_name
from tests.pretrain.washers import write_washers

SMALL = Preprocessing(input_px=64)


def mapped(folder: Path, cache: Path, preprocessing: Preprocessing = SMALL) -> ImageSet:
    return map_images(find_pictures(folder), preprocessing, cache)[0]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images decoded so far."""
    names: list[str] = []
    real = pretrain.data.reading.decode_image

    def decode(data: bytes, *, name: str, significant_bits: int) -> Image:
        names.append(name)
        return real(data, name=name, significant_bits=significant_bits)

    monkeypatch.setattr(pretrain.data.reading, "decode_image", decode)
    return names


def test_a_shard_holds_what_memory_would(washers: Path, tmp_path: Path) -> None:
    expected, images = load_images(find_pictures(washers), SMALL), mapped(washers, tmp_path)
    assert np.array_equal(images.pixels.numpy(), expected.pixels.numpy())
    assert (images.digests, images.paths, images.lots) == (expected.digests, expected.paths, expected.lots)
    (file,) = tmp_path.glob("*.uint8")
    assert file.read_bytes() == expected.pixels.numpy().tobytes()
    assert not list(tmp_path.glob("*.partial"))


def test_nothing_is_decoded_twice(washers: Path, tmp_path: Path, decoded: list[str]) -> None:
    first = mapped(washers, tmp_path)
    assert len(decoded) == 16
    again = mapped(washers, tmp_path)
    assert len(decoded) == 16
    assert np.array_equal(first.pixels.numpy(), again.pixels.numpy())


def test_the_same_pictures_elsewhere_share_a_shard(washers: Path, tmp_path: Path, decoded: list[str]) -> None:
    write_washers(tmp_path / "copy", range(16))
    mapped(washers, tmp_path / "cache")
    assert mapped(tmp_path / "copy", tmp_path / "cache").paths[0].parent == tmp_path / "copy"
    assert len(decoded) == 16


def test_another_size_or_another_picture_is_another_shard(washers: Path, tmp_path: Path) -> None:
    mapped(washers, tmp_path / "cache")
    assert mapped(washers, tmp_path / "cache", Preprocessing(input_px=96)).pixels.shape == (16, 96, 96, 3)
    write_washers(tmp_path / "others", range(1, 17))
    mapped(tmp_path / "others", tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("*.uint8"))) == 3


def change_a_pixel(pixels: Path, _: Path) -> None:
    content = bytearray(pixels.read_bytes())
    content[1234] ^= 1
    pixels.write_bytes(content)


def cut(pixels: Path, _: Path) -> None:
    pixels.write_bytes(pixels.read_bytes()[:-1])


def lose(pixels: Path, _: Path) -> None:
    pixels.unlink()


def lose_explanation(_: Path, explanation: Path) -> None:
    explanation.unlink()


def cut_explanation(_: Path, explanation: Path) -> None:
    explanation.write_text(explanation.read_text()[:50])


def empty(_: Path, explanation: Path) -> None:
    explanation.write_text(json.dumps({**json.loads(explanation.read_text()), "digests": []}))


@pytest.mark.parametrize("harm", [change_a_pixel, cut, lose, lose_explanation, cut_explanation, empty])
def test_a_damaged_shard_is_made_anew(
    harm: Callable[[Path, Path], None], washers: Path, tmp_path: Path, decoded: list[str]
) -> None:
    expected = mapped(washers, tmp_path).pixels.clone()
    (pixels,), (explanation,) = tmp_path.glob("*.uint8"), tmp_path.glob("*.json")
    harm(pixels, explanation)
    assert np.array_equal(mapped(washers, tmp_path).pixels.numpy(), expected.numpy())
    assert len(decoded) == 32
    mapped(washers, tmp_path)
    assert len(decoded) == 32


def test_damaged_images_are_told_each_time_and_the_good_ones_decoded_once(
    tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_washers(tmp_path / "images", range(9))
    (tmp_path / "images" / "letter.png").write_text("Dear Sir", encoding="utf-8")
    told: list[str] = []
    monkeypatch.setattr(pretrain.data.image_set, "say", told.append)
    first = mapped(tmp_path / "images", tmp_path)
    decoded.clear()
    again = mapped(tmp_path / "images", tmp_path)
    assert [Path(name).name for name in decoded] == ["letter.png"]
    assert len(first) == len(again) == 9
    assert first.left_out == again.left_out
    assert "letter.png: not a PNG, JPEG, BMP or TIFF image" in again.left_out[0]
    assert told[:2] == told[2:]
    assert told[1] == "1 of 10 images were left out"


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_few_images_leave_no_shard(count: int, tmp_path: Path) -> None:
    write_washers(tmp_path / "images", range(count))
    (tmp_path / "images" / "letter.png").write_text("Dear Sir", encoding="utf-8")
    many = "image" if count == 1 else "images"
    with pytest.raises(DatasetError, match=f"images: {count} readable {many}, 1 damaged: give at least 8"):
        mapped(tmp_path / "images", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_image_that_changes_while_it_is_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_washers(tmp_path / "images", range(9))
    monkeypatch.setattr(pretrain.data.image_set, "read_digest", lambda _: "0" * 64)
    with pytest.raises(DatasetError, match=r"washer-.*: changed while it was read: start again"):
        mapped(tmp_path / "images", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    washers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="cache: not written"):
        mapped(washers, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_killed_runs_left_is_swept_and_what_is_being_written_stays(washers: Path, tmp_path: Path) -> None:
    old, young = tmp_path / "a.1.partial", tmp_path / "b.2.partial"
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))
    mapped(washers, tmp_path)
    assert not old.exists()
    assert young.exists()


def test_a_shard_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_shard(tmp_path, shard_name(["a"], SMALL)) is None
    assert shard_name(["a", "b"], SMALL) != shard_name(["b", "a"], SMALL)
