"""What the line has said stands before its cameras, and since when."""

from datetime import datetime

from sqlalchemy import select
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
