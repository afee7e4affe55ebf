"""Reading and writing the record, within a transaction that the operation holds."""

from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from inspection.verdict import Verdict
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


def find_by_part(session: Session, part: str, *, limit: int) -> list[StoredInspection]:
    """All inspections of a part, oldest first."""
    query = with_names().join(StoredInspection.part).where(Part.name == part)
    return list(session.scalars(query.order_by(StoredInspection.id).limit(limit)))


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
