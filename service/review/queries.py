"""Inspections as review shows them, their decisions and counts, within a transaction that the operation holds."""

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from inspection.verdict import Verdict
from service.db.tables import StoredInspection
from service.review.tables import Decision, Disposition


def find_inspection(session: Session, inspection_id: int) -> StoredInspection | None:
    return session.scalar(_with_names().where(StoredInspection.id == inspection_id))


def count_by_verdict(session: Session) -> dict[Verdict, int]:
    counted = session.execute(select(StoredInspection.verdict, func.count()).group_by(StoredInspection.verdict))
    return {row[0]: row[1] for row in counted}


def count_by_decision(session: Session) -> dict[Decision, int]:
    """Inspections by the latest decision of each."""
    latest = select(func.max(Disposition.id)).group_by(Disposition.inspection_id)
    counted = session.execute(
        select(Disposition.decision, func.count()).where(Disposition.id.in_(latest)).group_by(Disposition.decision)
    )
    return {row[0]: row[1] for row in counted}


def find_dispositions(session: Session, inspection_id: int) -> list[Disposition]:
    """Oldest first."""
    mine = select(Disposition).where(Disposition.inspection_id == inspection_id)
    return list(session.scalars(mine.order_by(Disposition.id)))


def find_defect_names(session: Session, *, limit: int) -> list[str]:
    """The names given most often; the same order for all, so that fingers learn their numbers."""
    counted = select(Disposition.defect).where(Disposition.defect.is_not(None)).group_by(Disposition.defect)
    names = session.scalars(counted.order_by(func.count().desc(), Disposition.defect).limit(limit))
    return [name for name in names if name is not None]


def find_passed(session: Session, row: StoredInspection, *, limit: int) -> list[StoredInspection]:
    """The newest parts of the same station that passed, those before `row` first."""
    passed = _with_names().where(
        StoredInspection.station_id == row.station_id,
        StoredInspection.verdict == Verdict.PASS,
        StoredInspection.images_removed_at.is_(None),
        StoredInspection.image_sha256.is_not(None),
    )
    before = list(session.scalars(_newest_first(passed.where(StoredInspection.id < row.id), limit)))
    return before or list(session.scalars(_newest_first(passed, limit)))


def find_earlier_of_lot(session: Session, row: StoredInspection, *, limit: int) -> list[StoredInspection]:
    """Newest first; none for a part without a lot."""
    if row.lot_id is None:
        return []
    earlier = _with_names().where(
        StoredInspection.lot_id == row.lot_id,
        StoredInspection.id < row.id,
        StoredInspection.images_removed_at.is_(None),
        StoredInspection.image_sha256.is_not(None),
    )
    return list(session.scalars(_newest_first(earlier, limit)))


def _newest_first(query: Select[StoredInspection], limit: int) -> Select[StoredInspection]:
    return query.order_by(StoredInspection.id.desc()).limit(limit)


def _with_names() -> Select[StoredInspection]:
    return select(StoredInspection).options(
        joinedload(StoredInspection.station), joinedload(StoredInspection.part), joinedload(StoredInspection.lot)
    )
