"""Which pictures of a folder are finished, and what their names say."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from service.camera.folder import Folder, natural_order
from service.camera.naming import Naming
from service.client import Trigger
from service.intake.schemas import Trigger as Accepted
from tests.bundles import part_png


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def put(folder: Path, name: str, data: bytes, changed_s: int = 1_700_000_000) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (changed_s, changed_s))
    return path


def finished(folder: Folder) -> list[str]:
    return [seen.name for seen in folder.look() if folder.read(seen)]


def trigger_of(folder: Path, name: str, naming: Naming) -> Trigger:
    shelf = Folder(folder)
    (seen,) = [seen for seen in shelf.look() if seen.name == name]
    picture = shelf.read(seen)
    assert picture is not None
    return naming.trigger_of(picture)


def test_pictures_are_found_in_order_of_their_time(tmp_path: Path) -> None:
    for name, changed_s in (("part-10.png", 5), ("part-9.png", 5), ("lot-B/part-1.jpg.png", 1), (".hidden.png", 0)):
        put(tmp_path, name, part_png(), changed_s)
    put(tmp_path, "notes.txt", b"no picture")
    put(tmp_path, ".kensa-camera/images/x.png", part_png())
    assert finished(Folder(tmp_path)) == ["lot-B/part-1.jpg.png", "part-9.png", "part-10.png"]
    assert finished(Folder(tmp_path, by_name=True)) == ["lot-B/part-1.jpg.png", "part-9.png", "part-10.png"]


def test_a_png_is_finished_with_its_last_byte(tmp_path: Path) -> None:
    whole = part_png()
    put(tmp_path, "a.png", whole[:-1])
    folder = Folder(tmp_path)
    assert finished(folder) == []
    put(tmp_path, "a.png", whole)
    assert finished(folder) == ["a.png"]


def test_a_picture_cut_short_is_sent_in_the_end(tmp_path: Path) -> None:
    for name, data in (("cut.png", part_png()[:100]), ("empty.jpg", b""), ("wrong.png", b"<html>")):
        put(tmp_path, name, data)
    clock = Clock()
    folder = Folder(tmp_path, damaged_after_s=10, clock=clock)
    assert finished(folder) == []
    clock.now = 9.9
    assert finished(folder) == []
    clock.now = 10.0
    assert finished(folder) == ["cut.png", "empty.jpg", "wrong.png"]


def test_a_bmp_is_finished_once_nobody_changes_it(tmp_path: Path) -> None:
    clock = Clock()
    folder = Folder(tmp_path, settle_s=1.0, clock=clock)
    put(tmp_path, "a.bmp", b"BM half", 1)
    assert finished(folder) == []
    clock.now = 0.8
    put(tmp_path, "a.bmp", b"BM half and whole", 2)
    assert finished(folder) == []
    clock.now = 1.6
    assert finished(folder) == []
    clock.now = 1.9
    assert finished(folder) == ["a.bmp"]


def test_a_picture_that_changes_under_the_eyes_is_not_read(tmp_path: Path) -> None:
    path = put(tmp_path, "a.png", part_png(1))
    folder = Folder(tmp_path)
    (seen,) = folder.look()
    put(tmp_path, "a.png", part_png(2), 1_700_000_001)
    assert folder.read(seen) is None
    folder.remove(seen)
    assert path.exists()
    path.unlink()
    assert folder.read(seen) is None


def test_names_and_folders_say_part_and_lot(tmp_path: Path) -> None:
    put(tmp_path, "L-7/shift/P-17.png", part_png())
    put(tmp_path, "L9_P-18_cam2.png", part_png())
    pattern = re.compile(r"(?P<lot>[^_]+)_(?P<part>[^_]+)")
    first = trigger_of(tmp_path, "L-7/shift/P-17.png", Naming("press-4", pattern=pattern))
    assert (first.station, first.part_id, first.lot) == ("press-4", "P-17", "L-7")
    second = trigger_of(tmp_path, "L9_P-18_cam2.png", Naming("press-4", lot="L-0", pattern=pattern))
    assert (second.part_id, second.lot) == ("P-18", "L9")
    plain = trigger_of(tmp_path, "L9_P-18_cam2.png", Naming("press-4"))
    assert (plain.part_id, plain.lot) == ("L9_P-18_cam2", None)
    assert plain.captured_at is not None
    assert plain.captured_at.timestamp() == 1_700_000_000


def test_a_trigger_follows_from_the_picture_alone(tmp_path: Path) -> None:
    naming = Naming("press-4")
    put(tmp_path, "a.png", part_png(1))
    first, again = (trigger_of(tmp_path, "a.png", naming) for _ in range(2))
    assert first == again
    put(tmp_path, "a.png", part_png(1), 1_700_000_001)
    overwritten = trigger_of(tmp_path, "a.png", naming)
    assert overwritten.trigger_id != first.trigger_id
    assert overwritten.part_id == first.part_id


@pytest.mark.parametrize(
    "name", ["x" * 200 + ".png", "tab\there.png", " .png", os.fsdecode(b"caf\xe9.png"), "部品-7.png"]
)
def test_any_file_name_makes_a_trigger_the_service_takes(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, part_png())
    trigger = trigger_of(tmp_path, name, Naming("press-4"))
    accepted = Accepted.model_validate(trigger.fields())
    assert (accepted.part_id, accepted.trigger_id) == (trigger.part_id, trigger.trigger_id)


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["part-10", "part-9", "9", "10", "a", "part-9b"]
    assert sorted(names, key=natural_order) == ["9", "10", "a", "part-9", "part-9b", "part-10"]
