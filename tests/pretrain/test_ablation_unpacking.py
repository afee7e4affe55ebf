"""What an ablation pretrains on: the training part, byte for byte, and nothing that tells its class."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.errors import StorageError
from inspection.images.folders import find_pictures
from pretrain.ablation.unpacking import unpack
from pretrain.evaluate.labeled_images import find_labeled_files
from tests.pretrain.labeled import write_class_folder, write_pack


def test_the_training_part_is_unpacked_byte_for_byte_without_classes(tmp_path: Path) -> None:
    files = find_labeled_files(write_pack(tmp_path / "pack.npz", train=3, test=2), 0)
    unpack(files, tmp_path / "images")
    pictures = find_pictures(tmp_path / "images")
    assert [picture.path.read_bytes() for picture in pictures] == [file.read() for file in files.part(is_test=False)]
    assert {picture.lot for picture in pictures} == {""}
    assert not (tmp_path / "images.partial").exists()


def test_files_of_a_folder_keep_their_format(tmp_path: Path) -> None:
    for label in range(2):
        write_class_folder(tmp_path / "data", label, 5)
    unpack(find_labeled_files(tmp_path / "data", 0), tmp_path / "images")
    assert {path.suffix for path in (tmp_path / "images").iterdir()} == {".png"}
    assert len(list((tmp_path / "images").iterdir())) == 8


def test_unpacking_that_was_cut_short_begins_again(tmp_path: Path) -> None:
    files = find_labeled_files(write_pack(tmp_path / "pack.npz", train=3, test=2), 0)
    (tmp_path / "images.partial").mkdir()
    (tmp_path / "images.partial" / "stranger.jpg").write_bytes(b"half")
    unpack(files, tmp_path / "images")
    assert len(list((tmp_path / "images").iterdir())) == 9
    assert "stranger.jpg" not in {path.name for path in (tmp_path / "images").iterdir()}


def test_a_disk_that_takes_no_images_is_named(tmp_path: Path) -> None:
    files = find_labeled_files(write_pack(tmp_path / "pack.npz"), 0)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"file/images: not written"):
        unpack(files, tmp_path / "file" / "images")
