"""The database's engine and its transactions: the same code on SQLite and PostgreSQL."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session, sessionmaker

_SQLITE_BEGIN = "sqlite_begin"
# WAL lets readers go on while a verdict is written. FULL syncs the log at every commit: with NORMAL, a power cut may
# take back verdicts that a station has already acted on.
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")


class Database:
    """Transactions on one database. Each operation opens exactly one, with `reading` or `writing`."""

    def __init__(self, url: URL) -> None:
        self.engine = _create_engine(url)
        self._is_sqlite = self.engine.dialect.name == "sqlite"
        # A write transaction of SQLite takes its lock at once: one that starts as a reader and is then refused the
        # lock could only fail.
        writer = self.engine.execution_options(**{_SQLITE_BEGIN: "BEGIN IMMEDIATE"})
        self._readers = sessionmaker(self.engine, expire_on_commit=False)
        self._writers = sessionmaker(writer, expire_on_commit=False)
        # SQLite's own queue of writers sleeps and polls; threads of one process wait their turn here instead.
        self._turn = threading.Lock() if self._is_sqlite else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that changes nothing."""
        with self._readers() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is durable when the block has ended, and has left no trace if it raised."""
        with self._turn, self._writers.begin() as session:
            yield session

    def check(self) -> None:
        """Raise SQLAlchemy's OperationalError where the database does not answer."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _create_engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=16, max_overflow=32, pool_pre_ping=True, pool_timeout=10)
    engine = create_engine(url, pool_size=16, max_overflow=32, pool_timeout=10)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own idea of when a transaction begins would leave reads and DDL outside of it.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_SQLITE_BEGIN, "BEGIN"))
