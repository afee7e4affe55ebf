"""Writing a bundle: complete in a directory beside its place, then renamed into it."""

import os
import shutil
from pathlib import Path

from inspection.bundle.manifest import MANIFEST_FILE, Manifest
from inspection.errors import StorageError


def write_bundle(staging: Path, directory: Path, manifest: Manifest) -> Manifest:
    """Finish the bundle whose files lie in `staging`, and move it to `directory`; an older one there stays until then.

    Returns the manifest with its final bundle id. Raises StorageError where the disk does not take it.
    """
    named = manifest.model_copy(update={"bundle_id": manifest.expected_bundle_id()})
    try:
        (staging / MANIFEST_FILE).write_text(named.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _replace(staging, directory)
    except OSError as error:
        raise StorageError(f"{directory}: {error.strerror}", "free some space or choose another folder") from None
    return named


def _replace(staging: Path, directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    if not directory.exists():
        os.rename(staging, directory)
        return
    retired = directory.with_name(directory.name + ".old")
    shutil.rmtree(retired, ignore_errors=True)
    os.rename(directory, retired)
    os.rename(staging, directory)
    shutil.rmtree(retired)
