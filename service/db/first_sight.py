"""Inserts that several writers may try at once: one of them wins, and none of them fails."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.db.columns import Record


def insert_unless_there(session: Session, table: type[Record], values: dict[str, Any]) -> int | None:
    """Insert a row and return its id; None where a unique key of it is taken, once that row is committed."""
    key = table.__table__.c.id
    created: int | None
    if session.get_bind().dialect.name == "postgresql":
        created = session.scalar(postgresql.insert(table).values(values).on_conflict_do_nothing().returning(key))
    else:
        created = session.scalar(sqlite.insert(table).values(values).on_conflict_do_nothing().returning(key))
    return created
