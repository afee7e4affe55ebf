"""The database's engine and its transactions: the same code on SQLite and PostgreSQL."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
from psycopg.sql import SQL
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session, sessionmaker

_SQLITE_BEGIN = "sqlite_begin"
# WAL lets readers go on while a verdict is written. FULL syncs the log at every commit: with NORMAL, a power cut may
# take back verdicts that a station has already acted on.
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


class Database:
    """Transactions on one database. Each operation opens exactly one, with `reading` or `writing`."""

    def __init__(self, url: URL, *, patience_s: float = 10.0) -> None:
        """Whoever waits longer than `patience_s` for a lock, a connection or a statement gets an error instead."""
        self.engine = _create_engine(url, patience_s)
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

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A write transaction in which tables may be rebuilt."""
        writer = self.engine.execution_options(**{_SQLITE_BEGIN: "BEGIN IMMEDIATE"})
        with writer.connect() as connection:
            if not self._is_sqlite:
                with connection.begin():
                    # A table of many millions of rows may take its time.
                    connection.execute(text("SET LOCAL statement_timeout = 0"))
                    yield connection
                return
            # SQLite rebuilds a table by dropping it, which must not count as dropping what refers to it. The switch
            # works only outside of a transaction, and every reference is checked again before the end.
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute("PRAGMA foreign_keys=OFF").close()
            try:
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                    if broken is not None:
                        raise sqlite3.IntegrityError(
                            f"a row of {broken[0]} refers to a row of {broken[2]} that is not there"
                        )
            finally:
                raw.execute("PRAGMA foreign_keys=ON").close()

    def check(self) -> None:
        """Raise SQLAlchemy's OperationalError where the database does not answer."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _create_engine(url: URL, patience_s: float) -> Engine:
    if url.get_backend_name() != "sqlite":
        engine = create_engine(
            url,
            pool_size=16,
            max_overflow=32,
            pool_pre_ping=True,
            pool_timeout=patience_s,
            connect_args={"connect_timeout": max(round(patience_s), 2)},
        )
        event.listen(engine, "connect", lambda connection, _record: _limit_statements(connection, patience_s))
        return engine
    engine = create_engine(url, pool_size=16, max_overflow=32, pool_timeout=patience_s)
    pragmas = (*_PRAGMAS, f"busy_timeout={round(patience_s * 1000)}")
    event.listen(engine, "connect", lambda connection, _record: _prepare_sqlite(connection, pragmas))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _limit_statements(connection: psycopg.Connection[Any], patience_s: float) -> None:
    connection.execute(SQL("SET statement_timeout = {}").format(round(patience_s * 1000)))
    connection.commit()


def _prepare_sqlite(connection: sqlite3.Connection, pragmas: tuple[str, ...]) -> None:
    # The driver's own idea of when a transaction begins would leave reads and DDL outside of it.
    connection.isolation_level = None
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_SQLITE_BEGIN, "BEGIN"))
