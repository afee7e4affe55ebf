"""What every benchmark of the service stands on: a bundle, and an empty database of each kind."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.bench.station import run_postgresql
from inspection.bundle.manifest import MANIFEST_FILE
from inspection.errors import ConfigError, StorageError
from inspection.terminal import say

KINDS = ("sqlite", "postgresql")


def kinds_asked(only: str | None) -> tuple[str, ...]:
    """All of `KINDS`, or the only one. Raises ConfigError."""
    if only not in (None, *KINDS):
        raise ConfigError(f"only: {only} is not supported", f"give {' or '.join(KINDS)}")
    return KINDS if only is None else (only,)


@contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[str]:
    """The address of one of `KINDS`; what lay in the folder is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if kind == "sqlite":
        yield f"sqlite:///{(folder / 'kensa.db').resolve()}"
    else:
        with run_postgresql() as url:
            yield url


def untaught_bundle(data: Path) -> Path:
    """Made once; remove the folder to have it made anew. Raises StorageError."""
    bundle = data / "bundle"
    if not (bundle / MANIFEST_FILE).is_file():
        say("exporting an untaught student of distill's default size")
        data.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "deploy.bench.student", str(bundle)]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            raise StorageError(f"{bundle}: could not be made", "see the message above, or give --bundle")
    return bundle
