"""A file is in the store whole, or not at all."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inspection.errors import StorageError
from inspection.images.digest import sha256_of_bytes
from service.errors import NotFound
from service.images.durably import Durably, FileByFile, WholeDisk, find_syncfs
from service.images.local_store import LocalImageStore

DATA = b"an image" * 10_000


@pytest.fixture
def store(tmp_path: Path) -> LocalImageStore:
    return LocalImageStore(tmp_path / "images")


def files_in(store: LocalImageStore) -> list[Path]:
    return [path for path in store.directory.rglob("*") if path.is_file()]


def test_content_names_the_file(store: LocalImageStore) -> None:
    sha256 = store.put(DATA)
    assert sha256 == sha256_of_bytes(DATA)
    assert store.path_of(sha256) == store.directory / sha256[:2] / sha256[2] / sha256
    assert store.get(sha256) == DATA
    assert store.put(DATA) == sha256
    assert files_in(store) == [store.path_of(sha256)]


def test_a_name_appears_only_after_its_bytes_are_synced(
    store: LocalImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, os.rename

    def note_sync(descriptor: int) -> None:
        is_folder = os.path.isdir(f"/proc/self/fd/{descriptor}")
        steps.append("sync folder" if is_folder else "sync file")
        fsync(descriptor)

    def note_rename(old: str, new: Path) -> None:
        assert Path(old).read_bytes() == DATA
        steps.append("rename")
        rename(old, new)

    store.put(b"another, to make the first folders")
    monkeypatch.setattr("service.images.local_store.os.fsync", note_sync)
    monkeypatch.setattr("service.images.local_store.os.rename", note_rename)
    store.put(DATA)
    assert steps[-3:] == ["sync file", "rename", "sync folder"]


def test_files_put_together_get_their_names_after_all_their_bytes_are_synced(
    store: LocalImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, rename = WholeDisk._sync, os.rename

    def note_sync(disk: WholeDisk) -> None:
        steps.append("sync")
        sync(disk)

    def note_rename(old: str, new: Path) -> None:
        steps.append("rename")
        rename(old, new)

    monkeypatch.setattr(WholeDisk, "_sync", note_sync)
    monkeypatch.setattr("service.images.local_store.os.rename", note_rename)
    contents = [DATA, b"its heat map", DATA, b"another"]
    assert store.put_all(contents) == [sha256_of_bytes(one) for one in contents]
    assert steps == ["sync", "rename", "rename", "rename", "sync"]
    assert [store.get(sha256_of_bytes(one)) for one in contents] == contents
    # What is there already is only named durably.
    steps.clear()
    store.put_all(contents)
    assert steps == ["sync"]


@pytest.mark.parametrize("failing", [1, 2])
def test_files_put_together_are_told_of_only_when_all_are_durable(
    store: LocalImageStore, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    calls: list[int] = []

    def fail(_descriptor: int) -> int:
        calls.append(1)
        ctypes.set_errno(5)
        return -1 if len(calls) == failing else 0

    monkeypatch.setattr(store, "_durably", Durably(fail))
    with pytest.raises(StorageError, match="Input/output error"):
        store.put_all([DATA, b"its heat map"])
    assert not list(store.incoming.iterdir())
    assert len(files_in(store)) == (0 if failing == 1 else 2)


def test_beside_a_busy_neighbour_files_are_synced_one_by_one(
    store: LocalImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    clock = iter([0.0, 100.0, 100.7, 100.7, 120.0, 161.0, 161.0, 161.0])
    monkeypatch.setattr("service.images.durably.time.monotonic", lambda: next(clock))

    def count(descriptor: int) -> int:
        calls.append(descriptor)
        return 0

    durably = Durably(count)
    kinds: list[type] = []
    for _ in range(3):
        durably.run(store.directory.parent, lambda syncs: kinds.append(type(syncs)), file_count=2)
    durably.run(store.directory.parent, lambda syncs: kinds.append(type(syncs)), file_count=1)
    assert kinds == [WholeDisk, FileByFile, WholeDisk, FileByFile]


def test_this_kernel_tells_of_bytes_that_were_lost() -> None:
    # Everything that runs Kensa today is newer than Linux 5.8; a test machine that is not would measure another path.
    assert (find_syncfs() is not None) == (sys.platform == "linux")


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_failure_leaves_nothing(store: LocalImageStore, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"service.images.local_store.os.{step}", fail)
    with pytest.raises(StorageError, match="No space left on device"):
        store.put(DATA)
    assert files_in(store) == []


def test_a_file_that_was_there_is_synced_too(store: LocalImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its writer may have been cut off between rename and sync.
    store.put(DATA)
    synced: list[str] = []
    monkeypatch.setattr(
        "service.images.local_store.os.fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}"))
    )
    sha256 = store.put(DATA)
    assert synced == [str(store.path_of(sha256).parent)]


def test_writers_of_the_same_content_agree(store: LocalImageStore) -> None:
    with ThreadPoolExecutor(8) as writers:
        names = set(writers.map(lambda _: store.put(DATA), range(32)))
    assert names == {sha256_of_bytes(DATA)}
    assert len(files_in(store)) == 1


def test_a_lost_file_is_told(store: LocalImageStore) -> None:
    with pytest.raises(NotFound, match="backup"):
        store.get("0" * 64)


def test_check_needs_a_place_to_write(store: LocalImageStore) -> None:
    store.check()
    assert files_in(store) == []
    blocked = LocalImageStore(store.path_of(store.put(DATA)) / "below a file")
    with pytest.raises(StorageError, match="writable"):
        blocked.check()


def test_what_a_killed_process_left_is_swept(store: LocalImageStore) -> None:
    store.put(DATA)
    abandoned, at_work = store.incoming / "abandoned", store.incoming / "at-work"
    for path in (abandoned, at_work):
        path.write_bytes(b"half an im")
    os.utime(abandoned, (0, 0))
    store.sweep()
    assert sorted(files_in(store)) == sorted([at_work, store.path_of(sha256_of_bytes(DATA))])


def test_upper_folders_are_made_whole_and_synced_before_their_first_file(
    store: LocalImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note_sync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr("service.images.local_store.os.fsync", note_sync)
    path = store.path_of(store.put(DATA))
    upper = path.parent.parent
    assert synced[:3] == [str(upper), str(store.directory), str(store.directory.parent)]
    assert {folder.name for folder in upper.iterdir()} == set("0123456789abcdef")
    synced.clear()
    store.put(DATA)
    assert synced == [str(path.parent)]


def test_folders_of_another_process_are_synced_once(store: LocalImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    # It may have been cut off between making them and syncing them.
    upper = store.path_of(store.put(DATA)).parent.parent
    synced: list[str] = []
    monkeypatch.setattr(
        "service.images.local_store.os.fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}"))
    )
    LocalImageStore(store.directory).put(DATA)
    assert synced[:2] == [str(upper), str(store.directory)]


def test_folders_that_were_taken_away_are_made_again(store: LocalImageStore) -> None:
    store.put(DATA)
    shutil.rmtree(store.directory)
    with pytest.raises(StorageError, match="No such file"):
        store.put(DATA)
    assert store.get(store.put(DATA)) == DATA
