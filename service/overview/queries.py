"""What is newest of every station, within a transaction that the operation holds."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from service.db.tables import Station, StoredInspection


def find_stations(session: Session) -> Sequence[Station]:
    """All of them, by name."""
    return session.scalars(select(Station).order_by(Station.name)).all()


def find_latest(session: Session) -> dict[int, StoredInspection]:
    """The newest inspection of each station, by the station's id."""
    # One look at the index for each station, however many inspections there are.
    mine = aliased(StoredInspection)
    newest = select(func.max(mine.id)).where(mine.station_id == Station.id).scalar_subquery()
    rows = session.scalars(select(StoredInspection).where(StoredInspection.id.in_(select(newest).select_from(Station))))
    return {row.station_id: row for row in rows}
