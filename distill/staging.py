"""Where a bundle is put together: a folder beside its place, that nobody sees until it is whole."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspection.bundle.manifest import MANIFEST_FILE
from inspection.errors import StorageError


def refuse_to_replace(out: Path) -> None:
    """Raise StorageError where `out` holds something else than a bundle, before hours went into a new one."""
    is_free = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    if not is_free and not (out / MANIFEST_FILE).is_file():
        raise StorageError(f"{out}: is there already and is no bundle", "choose another folder")


@contextmanager
def staging_beside(out: Path) -> Iterator[Path]:
    """An empty directory on the same disk as `out`, gone at the end whatever happens. Raises StorageError."""
    prefix = f".{out.name}-building-"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for left in out.parent.glob(f"{prefix}*"):
            # A build was killed here; what it left is of no use.
            shutil.rmtree(left, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=prefix, dir=out.parent))
    except OSError as error:
        raise _not_written(out, error) from None
    try:
        yield staging
    except OSError as error:
        raise _not_written(out, error) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _not_written(out: Path, error: OSError) -> StorageError:
    return StorageError(f"{out}: not written ({error.strerror or error})", "free some space or choose another folder")
