"""Reading the record for drift, within a transaction that the operation holds."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Row, func, or_, select, text
from sqlalchemy.orm import Session, joinedload

from service.db.tables import Lot, Station, StoredInspection
from service.drift.tables import DriftAlarm, DriftPoint, DriftWatch

_ADVISORY_LOCK = 0x6B656E7A64


def take_turn(session: Session) -> None:
    """One process at a time follows the record; SQLite's writers take turns anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def find_newest_id(session: Session) -> int:
    """Of all inspections; 0 where there is none."""
    return session.scalar(select(func.max(StoredInspection.id))) or 0


def find_up_to(session: Session) -> int | None:
    """The last inspection that was looked at; None before the first look."""
    return session.scalar(select(func.max(DriftWatch.up_to_id)))


def find_scored(session: Session, above_id: int, *, limit: int) -> list[Row[tuple[object, ...]]]:
    """Inspections with both scores, in the order of the record, with the name of their lot."""
    query = (
        select(
            StoredInspection.id,
            StoredInspection.station_id,
            StoredInspection.received_at,
            Lot.name.label("lot"),
            StoredInspection.local_score,
            StoredInspection.global_score,
            StoredInspection.global_fail_limit,
            StoredInspection.bundle_id,
            StoredInspection.profile_version,
        )
        .outerjoin(Lot, Lot.id == StoredInspection.lot_id)
        .where(
            StoredInspection.id > above_id,
            StoredInspection.local_score.is_not(None),
            StoredInspection.global_score.is_not(None),
            # What comes out of a backlog tells of the past.
            StoredInspection.arrived_late.is_(False),
        )
        .order_by(StoredInspection.id)
        .limit(limit)
    )
    return list(session.execute(query))


def find_watches(session: Session) -> list[DriftWatch]:
    """Of all stations, by name."""
    query = select(DriftWatch).join(DriftWatch.station).options(joinedload(DriftWatch.station)).order_by(Station.name)
    return list(session.scalars(query))


def find_points(session: Session, station_id: int, *, limit: int) -> list[DriftPoint]:
    """The newest blocks of a station, oldest first."""
    query = select(DriftPoint).where(DriftPoint.station_id == station_id).order_by(DriftPoint.id.desc()).limit(limit)
    return list(reversed(list(session.scalars(query))))


def find_alarms(session: Session, *, standing: bool, limit: int = 50) -> list[DriftAlarm]:
    """Those that stand, or those that are over; the newest first."""
    is_standing = DriftAlarm.ended_at.is_(None) if standing else DriftAlarm.ended_at.is_not(None)
    query = select(DriftAlarm).options(joinedload(DriftAlarm.station)).where(is_standing)
    return list(session.scalars(query.order_by(DriftAlarm.id.desc()).limit(limit)))


def find_alarms_about(session: Session, station_id: int, inspection_id: int, received_at: datetime) -> list[DriftAlarm]:
    """Of that station, those that began by then, and had not ended when the part came."""
    query = select(DriftAlarm).where(
        DriftAlarm.station_id == station_id,
        DriftAlarm.since_inspection_id <= inspection_id,
        or_(DriftAlarm.ended_at.is_(None), DriftAlarm.ended_at > received_at),
    )
    return list(session.scalars(query.order_by(DriftAlarm.id.desc())))


def find_shown(
    session: Session,
    station_id: int,
    bundle_id: str,
    *,
    from_id: int | None = None,
    below_id: int | None = None,
    limit: int,
) -> list[StoredInspection]:
    """Scored parts with a picture, nearest to that inspection: from it on, or before it."""
    query = (
        select(StoredInspection)
        .options(
            joinedload(StoredInspection.part), joinedload(StoredInspection.station), joinedload(StoredInspection.lot)
        )
        .where(
            StoredInspection.station_id == station_id,
            StoredInspection.bundle_id == bundle_id,
            StoredInspection.image_sha256.is_not(None),
            StoredInspection.images_removed_at.is_(None),
            StoredInspection.local_score.is_not(None),
        )
        .limit(limit)
    )
    if from_id is not None:
        return list(session.scalars(query.where(StoredInspection.id >= from_id).order_by(StoredInspection.id)))
    query = query.where(StoredInspection.id < (below_id or 0)).order_by(StoredInspection.id.desc())
    return list(reversed(list(session.scalars(query))))


def count_state(session: Session) -> tuple[int, int]:
    """Changes with every alarm that is raised or ended."""
    raised, ended = session.execute(select(func.count(), func.count(DriftAlarm.ended_at))).one()
    return raised, ended


def forget_points(session: Session, station_ids: Iterable[int], *, keep: int) -> None:
    """All but the newest of these stations."""
    for station_id in station_ids:
        newest = select(DriftPoint.id).where(DriftPoint.station_id == station_id).order_by(DriftPoint.id.desc())
        limit_id = session.scalar(newest.offset(keep).limit(1))
        if limit_id is not None:
            session.execute(
                text("DELETE FROM drift_points WHERE station_id = :station AND id <= :limit"),
                {"station": station_id, "limit": limit_id},
            )
