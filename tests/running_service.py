"""The service as its users run it: a process of its own, started by its command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy.engine import URL

from service.db.engine import Database
from service.settings import read_settings
from tests.service.credentials import LetIn

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(rb"at (http://[^/\s]+)/review")


@dataclass
class RunningService:
    """A started `python -m service serve`; `address` is where it listens, `log` what it has said so far."""

    child: subprocess.Popen[bytes]
    address: str
    log: list[bytes]
    reader: threading.Thread
    database: Database
    """The one it works on, as a second process sees it."""
    let_in: LetIn

    def client(self) -> httpx.Client:
        """A camera and a person in one."""
        return httpx.Client(base_url=self.address, timeout=60, auth=self.let_in)

    def kill(self) -> None:
        """As a power cut would: without warning."""
        self.child.kill()
        self.child.wait(30)

    def stop(self) -> int:
        """As a person would; returns the exit status."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(30)


@contextmanager
def run_service(*options: str | Path, environment: dict[str, str] | None = None) -> Iterator[RunningService]:
    """Start the service on a free port; it is gone when the block has ended."""
    command = [sys.executable, "-m", "service", "serve", "--port", "0", *map(str, options)]
    child = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, **(environment or {})}
    )
    assert child.stderr is not None
    log: list[bytes] = []
    reader: threading.Thread | None = None
    try:
        for line in child.stderr:
            log.append(line)
            if found := ADDRESS.search(line):
                break
        else:
            raise AssertionError(f"the service did not start: {b''.join(log).decode()}")
        # Read on, or a full pipe would stop the service.
        reader = threading.Thread(target=log.extend, args=(child.stderr,), daemon=True)
        reader.start()
        database = Database(_database_url(options, environment))
        yield RunningService(child, found[1].decode(), log, reader, database, LetIn(database))
        database.close()
    finally:
        if child.poll() is None:
            child.kill()
        child.wait(30)
        if reader is not None:
            reader.join(30)
        child.stderr.close()


def _database_url(options: tuple[str | Path, ...], environment: dict[str, str] | None) -> URL:
    given = dict(zip(map(str, options[::2]), options[1::2], strict=True))
    settings = environment or {}
    data = given.get("--data") or settings.get("KENSA_DATA")
    url = given.get("--database-url") or settings.get("KENSA_DATABASE_URL")
    return read_settings(data=data, database_url=url).resolved_database_url
