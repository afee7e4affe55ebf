"""A bundle appears as a whole or not at all, and what was there before is lost only to a better one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inspection.bundle.manifest import GOLDEN_FOLDER, MANIFEST_FILE, STUDENT_FILE
from inspection.bundle.reader import open_bundle, read_manifest, verify_digests
from inspection.bundle.writer import write_bundle
from inspection.errors import BundleTampered, StorageError
from inspection.verdict import Verdict
from tests.bundles import part_png


def serves(bundle: Path) -> bool:
    """Does the bundle open and pass a good part?"""
    return open_bundle(bundle, threads=1).inspect(part_png(9)).verdict is Verdict.PASS


@pytest.fixture
def staging(built: Path, tmp_path: Path) -> Path:
    """All files of a bundle but its manifest, waiting to be written."""
    path = Path(shutil.copytree(built, tmp_path / "staging"))
    (path / MANIFEST_FILE).unlink()
    return path


def test_writing_names_the_bundle_and_leaves_nothing_beside_it(built: Path, staging: Path) -> None:
    draft = read_manifest(built).model_copy(update={"bundle_id": ""})
    written = write_bundle(staging, staging.parent / "new" / "bundle", draft)
    assert written == read_manifest(built)
    assert serves(staging.parent / "new" / "bundle")
    assert [path.name for path in staging.parent.iterdir()] == ["new"]
    assert [path.name for path in (staging.parent / "new").iterdir()] == ["bundle"]


def test_the_station_may_read_what_training_built(built: Path, staging: Path, tmp_path: Path) -> None:
    """A staging folder is private, the way temporary folders are; a bundle is read by another user."""
    staging.chmod(0o700)
    write_bundle(staging, tmp_path / "new", read_manifest(built))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o755


def test_an_older_bundle_is_replaced_as_a_whole(built: Path, staging: Path, bundle: Path) -> None:
    (bundle / "left over").touch()
    write_bundle(staging, bundle, read_manifest(built))
    assert serves(bundle)
    assert not (bundle / "left over").exists()
    assert [path.name for path in staging.parent.iterdir()] == ["bundle"]


def test_an_empty_folder_may_become_a_bundle(built: Path, staging: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_bundle(staging, tmp_path / "empty", read_manifest(built))
    assert serves(tmp_path / "empty")


def test_a_folder_that_is_no_bundle_is_never_replaced(built: Path, staging: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(StorageError, match="thesis: is there already and is no bundle: choose another folder"):
        write_bundle(staging, tmp_path / "thesis", read_manifest(built))
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_a_file_in_the_place_of_the_bundle_stays(built: Path, staging: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(StorageError, match="file: Not a directory"):
        write_bundle(staging, tmp_path / "file", read_manifest(built))
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("wrong", ["missing", "other"])
def test_what_would_not_open_is_not_written(built: Path, staging: Path, tmp_path: Path, wrong: str) -> None:
    if wrong == "missing":
        (staging / GOLDEN_FOLDER / "0.png").unlink()
    else:
        (staging / STUDENT_FILE).write_bytes(b"half a student")
    with pytest.raises(BundleTampered, match="staging"):
        write_bundle(staging, tmp_path / "new", read_manifest(built))
    assert not (tmp_path / "new").exists()


def test_a_full_disk_leaves_the_older_bundle(
    built: Path, staging: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError, match="bundle: No space left on device: free some space"):
        write_bundle(staging, bundle, read_manifest(built))
    assert serves(bundle)


def test_a_renaming_that_fails_brings_the_older_bundle_back(
    built: Path, staging: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def other_disk(source: Path, target: Path) -> Path:
        if source == staging:
            raise OSError(18, "Invalid cross-device link")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", other_disk)
    with pytest.raises(StorageError, match="Invalid cross-device link"):
        write_bundle(staging, bundle, read_manifest(built))
    assert serves(bundle)
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["bundle", "staging"]


def test_at_no_moment_is_half_a_bundle_to_be_seen(
    built: Path, staging: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever a file is flushed or renamed, the place is empty or holds a bundle that opens."""
    target = tmp_path / "new"
    seen = []
    rename = Path.rename

    def watched(source: Path, destination: Path) -> Path:
        seen.append(target.exists())
        moved = rename(source, destination)
        if target.exists():
            verify_digests(target, read_manifest(target))
        seen.append(target.exists())
        return moved

    monkeypatch.setattr("os.fsync", lambda _: seen.append(target.exists()))
    monkeypatch.setattr(Path, "rename", watched)
    write_bundle(staging, target, read_manifest(built))
    assert seen == [False] * 6 + [True]
