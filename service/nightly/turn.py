"""Only one process of a plant runs nights; the others find that out, and follow it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from service.db.engine import Database

_ADVISORY_LOCK = 0x6B656E7A6E


@contextmanager
def turn_to_run(database: Database, folder: Path) -> Iterator[bool]:
    """Whether it is this process that runs nights, for as long as the block lasts or the process lives.

    Beside SQLite a lock on a file below `folder`; on PostgreSQL the database's own, which all machines see.
    """
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as connection:
            taken = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
            connection.commit()
            yield bool(taken)
            if taken:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})
                connection.commit()
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".turn").open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
