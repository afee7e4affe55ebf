"""Inserts that several writers may try at once: one of them wins, and none of them fails."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.db.columns import Record
from service.db.tables import Lot, Part, Station


def insert_unless_there(session: Session, table: type[Record], values: dict[str, Any]) -> int | None:
    """Insert a row and return its id; None where a unique key of it is taken, once that row is committed."""
    key = table.__table__.c.id
    created: int | None
    if session.get_bind().dialect.name == "postgresql":
        created = session.scalar(postgresql.insert(table).values(values).on_conflict_do_nothing().returning(key))
    else:
        created = session.scalar(sqlite.insert(table).values(values).on_conflict_do_nothing().returning(key))
    return created


def id_on_first_sight(
    session: Session, table: type[Station] | type[Lot] | type[Part], name: str, seen_at: datetime
) -> int:
    """The row of that name, created where it is new."""
    existing = session.scalar(select(table.id).where(table.name == name))
    if existing is not None:
        return existing
    created = insert_unless_there(session, table, {"name": name, "first_seen_at": seen_at})
    return created if created is not None else session.scalars(select(table.id).where(table.name == name)).one()
