"""Reading and adding versions, within a transaction that the operation holds."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from service.db.tables import Station
from service.profiles.tables import ProfileVersion


def find_versions(session: Session, station: str | None, *, limit: int) -> list[ProfileVersion]:
    """Versions of a station, or of all, the newest first."""
    query = select(ProfileVersion).options(joinedload(ProfileVersion.station)).order_by(ProfileVersion.id.desc())
    if station is not None:
        query = query.join(ProfileVersion.station).where(Station.name == station)
    return list(session.scalars(query.limit(limit)))


def find_highest(session: Session, station_id: int) -> int:
    """0 where a station has none."""
    highest = select(func.max(ProfileVersion.version)).where(ProfileVersion.station_id == station_id)
    return session.scalar(highest) or 0


def find_in_force(session: Session) -> list[ProfileVersion]:
    """The highest version of every station that has one."""
    highest = select(func.max(ProfileVersion.id)).group_by(ProfileVersion.station_id)
    query = select(ProfileVersion).options(joinedload(ProfileVersion.station)).where(ProfileVersion.id.in_(highest))
    return list(session.scalars(query))


def find_state(session: Session) -> tuple[int, int]:
    """Changes with every version of any station: cheap to ask. Ids alone would not do, they may commit out of order."""
    count, newest = session.execute(select(func.count(), func.max(ProfileVersion.id))).one()
    return count, newest or 0
