"""A tool in an environment of its own, gone after use: what checks the project must not shape what it installs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def tool(package: str, program: str) -> Iterator[Path]:
    """The path of `program` from the newest `package`. Raises CalledProcessError where it cannot be installed."""
    with tempfile.TemporaryDirectory(prefix=f"kensa-{program}-") as folder:
        programs = Path(folder) / "bin"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([str(programs / "pip"), "install", "--quiet", package], check=True)
        yield programs / program
