"""Writing a bundle: complete in a directory beside its place, then renamed into it."""

import os
import shutil
from pathlib import Path

from inspection.bundle.manifest import MANIFEST_FILE, Manifest
from inspection.bundle.reader import verify_digests
from inspection.errors import StorageError


def write_bundle(staging: Path, directory: Path, manifest: Manifest) -> Manifest:
    """Finish the bundle whose files lie in `staging`, and move it to `directory`; an older one there stays until then.

    Returns the manifest with its final bundle id. Raises StorageError where the disk does not take it,
    BundleError where `staging` does not hold what the manifest names.
    """
    named = manifest.model_copy(update={"bundle_id": manifest.expected_bundle_id()})
    verify_digests(staging, named)
    try:
        (staging / MANIFEST_FILE).write_text(named.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _flush(staging)
        # A folder for temporary files is its maker's alone; the station reads the bundle as another user.
        staging.chmod(0o755)
        _replace(staging, directory.resolve())
    except OSError as error:
        raise StorageError(
            f"{directory}: {error.strerror or error}", "free some space or choose another folder"
        ) from None
    return named


def _flush(directory: Path) -> None:
    # A power cut after the renaming must not find files that were named but never written.
    for path in directory.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _replace(staging: Path, directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    if not directory.exists():
        staging.rename(directory)
        return
    if any(directory.iterdir()) and not (directory / MANIFEST_FILE).is_file():
        raise StorageError(f"{directory}: is there already and is no bundle", "choose another folder")
    retired = directory.with_name(f".{directory.name}.retired")
    shutil.rmtree(retired, ignore_errors=True)
    directory.rename(retired)
    try:
        staging.rename(directory)
    except OSError:
        retired.rename(directory)
        raise
    shutil.rmtree(retired, ignore_errors=True)
