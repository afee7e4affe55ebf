"""Reading and writing the record, within a transaction that the operation holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from inspection.verdict import Verdict
from service.db.first_sight import insert_unless_there
from service.db.tables import Lot, Part, Station, StoredInspection


@dataclass(frozen=True, slots=True)
class InspectionFilter:
    """Which inspections a page shows; None means all."""

    station: str | None = None
    lot: str | None = None
    verdict: Verdict | None = None


def with_names() -> Select[StoredInspection]:
    """Inspections together with their station, part and lot."""
    return select(StoredInspection).options(
        joinedload(StoredInspection.station), joinedload(StoredInspection.part), joinedload(StoredInspection.lot)
    )


def find_by_id(session: Session, inspection_id: int) -> StoredInspection | None:
    return session.scalar(with_names().where(StoredInspection.id == inspection_id))


def find_by_trigger(session: Session, station: str, trigger_id: str) -> StoredInspection | None:
    return session.scalar(
        with_names()
        .join(StoredInspection.station)
        .where(Station.name == station, StoredInspection.trigger_id == trigger_id)
    )


def find_page(
    session: Session, wanted: InspectionFilter, *, below_id: int | None, limit: int
) -> list[StoredInspection]:
    """Up to `limit` inspections, newest first, older than `below_id`."""
    query = with_names().order_by(StoredInspection.id.desc()).limit(limit)
    if below_id is not None:
        query = query.where(StoredInspection.id < below_id)
    if wanted.verdict is not None:
        query = query.where(StoredInspection.verdict == wanted.verdict)
    if wanted.station is not None:
        query = query.join(StoredInspection.station).where(Station.name == wanted.station)
    if wanted.lot is not None:
        query = query.join(StoredInspection.lot).where(Lot.name == wanted.lot)
    return list(session.scalars(query))


def id_on_first_sight(
    session: Session, table: type[Station] | type[Lot] | type[Part], name: str, seen_at: datetime
) -> int:
    """The row of that name, created where it is new."""
    existing = session.scalar(select(table.id).where(table.name == name))
    if existing is not None:
        return existing
    created = insert_unless_there(session, table, {"name": name, "first_seen_at": seen_at})
    return created if created is not None else session.scalars(select(table.id).where(table.name == name)).one()


def add_inspection(session: Session, values: dict[str, Any]) -> bool:
    """Add the inspection unless its station and trigger id have one already; did it?"""
    return insert_unless_there(session, StoredInspection, values) is not None
