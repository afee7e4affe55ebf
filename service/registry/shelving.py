"""A bundle's files are copied to where a running service finds them."""

import shutil
import tempfile
from pathlib import Path

from inspection.bundle.reader import open_bundle
from inspection.errors import StorageError


def shelve(directory: Path, bundles: Path) -> str:
    """Verify the bundle at `directory`, copy it below `bundles` and return its id. Raises BundleError, StorageError."""
    bundle_id = open_bundle(directory).bundle_id
    target = bundles / bundle_id
    try:
        _copy(directory, target)
    except OSError as error:
        raise StorageError(f"{target}: {error.strerror or error}", "free space, or make the folder writable") from None
    return bundle_id


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".adding-") as folder:
        copied = Path(folder) / target.name
        shutil.copytree(source, copied)
        # What was copied is what serves: verify that, not the source.
        open_bundle(copied)
        copied.rename(target)
