"""The queue of flagged parts, its neighbours and its counts, within a transaction that the operation holds.

Order of the queue: held before failed, then the most suspicious first, then the oldest.
"""

from sqlalchemy import ColumnElement, Float, Select, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session, joinedload

from inspection.verdict import Verdict
from service.db.tables import StoredInspection
from service.review.tables import Decision, Disposition

# A held image that has no score at all comes after those that have one.
_NO_SCORE = -1e300
_RANKS = {Verdict.HOLD: 0, Verdict.FAIL: 1, Verdict.PASS: 2}
_rank = case(*((StoredInspection.verdict == verdict, rank) for verdict, rank in _RANKS.items()), else_=len(_RANKS))
_score = func.coalesce(StoredInspection.part_score, literal(_NO_SCORE, Float(53)))


def find_inspection(session: Session, inspection_id: int) -> StoredInspection | None:
    return session.scalar(_with_names().where(StoredInspection.id == inspection_id))


def find_waiting(session: Session, *, after: StoredInspection | None, limit: int) -> list[StoredInspection]:
    """Undecided flagged inspections in the queue's order, behind `after`."""
    query = _with_names().where(_is_waiting()).order_by(_rank, _score.desc(), StoredInspection.id)
    if after is not None:
        query = query.where(_comes_after(after))
    return list(session.scalars(query.limit(limit)))


def find_next_id(session: Session, row: StoredInspection) -> int | None:
    """The one to look at after `row`; from the end of the queue on to its beginning."""
    order = (_rank, _score.desc(), StoredInspection.id)
    others = select(StoredInspection.id).where(_is_waiting(), StoredInspection.id != row.id).order_by(*order)
    following = session.scalar(others.where(_comes_after(row)).limit(1))
    return following if following is not None else session.scalar(others.limit(1))


def find_previous_id(session: Session, row: StoredInspection) -> int | None:
    """The one before `row`; from the beginning of the queue on to its end."""
    order = (_rank.desc(), _score, StoredInspection.id.desc())
    others = select(StoredInspection.id).where(_is_waiting(), StoredInspection.id != row.id).order_by(*order)
    preceding = session.scalar(others.where(_comes_before(row)).limit(1))
    return preceding if preceding is not None else session.scalar(others.limit(1))


def count_waiting(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(StoredInspection).where(_is_waiting())).one()


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


def _with_names() -> Select[StoredInspection]:
    return select(StoredInspection).options(
        joinedload(StoredInspection.station), joinedload(StoredInspection.part), joinedload(StoredInspection.lot)
    )


def _is_waiting() -> ColumnElement[bool]:
    decided = exists().where(Disposition.inspection_id == StoredInspection.id)
    return and_(StoredInspection.verdict.in_((Verdict.HOLD, Verdict.FAIL)), ~decided)


def _comes_after(row: StoredInspection) -> ColumnElement[bool]:
    rank, score = _key(row)
    tied = and_(_score == score, StoredInspection.id > row.id)
    return or_(_rank > rank, and_(_rank == rank, or_(_score < score, tied)))


def _comes_before(row: StoredInspection) -> ColumnElement[bool]:
    rank, score = _key(row)
    tied = and_(_score == score, StoredInspection.id < row.id)
    return or_(_rank < rank, and_(_rank == rank, or_(_score > score, tied)))


def _key(row: StoredInspection) -> tuple[int, ColumnElement[float]]:
    score = _NO_SCORE if row.part_score is None else row.part_score
    return _RANKS[row.verdict], literal(score, Float(53))
