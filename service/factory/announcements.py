"""What the line has said stands before its cameras, and since when."""

from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from service.db.tables import Station
from service.factory.tables import Announcement


def find_in_force(session: Session, station: str, moment: datetime) -> Announcement | None:
    """What had been said last of a station by that moment."""
    query = (
        select(Announcement)
        .join(Station, Station.id == Announcement.station_id)
        .where(Station.name == station, Announcement.announced_at <= moment)
        .order_by(Announcement.announced_at.desc(), Announcement.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def part_number_in_force(station_id: Any, moment: Any) -> ScalarSelect[str | None]:
    """The same in SQL, for each row with these columns: what was made there then."""
    query = select(Announcement.part_number).where(
        Announcement.station_id == station_id, Announcement.announced_at <= moment
    )
    return query.order_by(Announcement.announced_at.desc(), Announcement.id.desc()).limit(1).scalar_subquery()


def is_any_part_number_known(session: Session) -> bool:
    """Whether the line ever says what is made."""
    known = select(Announcement.id).where(Announcement.part_number.is_not(None)).limit(1)
    return session.scalar(known) is not None
