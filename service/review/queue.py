"""The queue of flagged parts: its order, its pages, its neighbours, within a transaction that the operation holds.

Order `worst`: held before failed, then the most suspicious first, then the oldest. Order `newest`: as they came.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, delete, exists, func, insert, literal, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from inspection.verdict import Verdict
from service.db.tables import Lot, Part, Station, StoredInspection
from service.review.queue_filter import QueueFilter, QueueOrder
from service.review.tables import ReviewLease, WaitingPart

# A held image that has no score at all comes after those that have one.
_NO_SCORE = -1e300
_RANKS = {Verdict.HOLD: 0, Verdict.FAIL: 1, Verdict.PASS: 2}


def add_flagged(session: Session, inspections: Iterable[tuple[int, Verdict, float | None]]) -> None:
    """Put those into the queue that are held or failed: (id, verdict, part score) of each."""
    rows = [
        {"inspection_id": number, "rank": _RANKS[verdict], "score": _NO_SCORE if score is None else score}
        for number, verdict, score in inspections
        if verdict is not Verdict.PASS
    ]
    if rows:
        session.execute(insert(WaitingPart), rows)


def remove(session: Session, inspection_id: int) -> None:
    session.execute(delete(WaitingPart).where(WaitingPart.inspection_id == inspection_id))


def find_page(
    session: Session, wanted: QueueFilter, *, after: StoredInspection | None, limit: int
) -> list[StoredInspection]:
    """Those that wait, behind `after`, with their names."""
    query = _narrowed(_waiting(), wanted).options(
        contains_eager(WaitingPart.inspection).options(
            joinedload(StoredInspection.station), joinedload(StoredInspection.part), joinedload(StoredInspection.lot)
        )
    )
    if after is not None:
        query = query.where(_comes_after(after, wanted.order))
    query = query.order_by(*_order(wanted.order)).limit(limit)
    return [waiting.inspection for waiting in session.scalars(query)]


def find_first_id(session: Session, wanted: QueueFilter, reviewer: str) -> int | None:
    """Where to begin: the first that nobody else looks at."""
    first: int | None = session.scalar(_free(wanted, reviewer).order_by(*_order(wanted.order)).limit(1))
    return first


def find_next_id(session: Session, row: StoredInspection, wanted: QueueFilter, reviewer: str) -> int | None:
    """The one to look at after `row` that nobody else looks at; from the end of the queue on to its beginning."""
    others = _free(wanted, reviewer, but=row).order_by(*_order(wanted.order)).limit(1)
    following: int | None = session.scalar(others.where(_comes_after(row, wanted.order)))
    if following is not None:
        return following
    first: int | None = session.scalar(others)
    return first


def find_previous_id(session: Session, row: StoredInspection, wanted: QueueFilter, reviewer: str) -> int | None:
    """The one before `row`; from the beginning of the queue on to its end."""
    others = (
        _free(wanted, reviewer)
        .where(WaitingPart.inspection_id != row.id)
        .order_by(*_order(wanted.order, is_reversed=True))
        .limit(1)
    )
    preceding: int | None = session.scalar(others.where(~_comes_after(row, wanted.order)))
    if preceding is not None:
        return preceding
    last: int | None = session.scalar(others)
    return last


def count(session: Session, wanted: QueueFilter) -> int:
    """How many wait of those that are wanted."""
    query = _narrowed(_waiting(), wanted) if wanted.is_narrow else select(WaitingPart)
    return session.scalars(query.with_only_columns(func.count(WaitingPart.inspection_id))).one()


def _waiting() -> Select[Any]:
    return select(WaitingPart).join(WaitingPart.inspection)


def _free(wanted: QueueFilter, reviewer: str, *, but: StoredInspection | None = None) -> Select[Any]:
    """Ids of those that nobody else looks at."""
    leased = exists().where(
        ReviewLease.inspection_id == WaitingPart.inspection_id,
        ReviewLease.reviewer != reviewer,
        ReviewLease.ends_at > datetime.now(UTC),
    )
    query = _narrowed(_waiting(), wanted).where(~leased)
    if but is not None:
        query = query.where(WaitingPart.inspection_id != but.id)
    return query.with_only_columns(WaitingPart.inspection_id)


def _narrowed(query: Select[Any], wanted: QueueFilter) -> Select[Any]:
    seen_at = func.coalesce(StoredInspection.captured_at, StoredInspection.received_at)
    if wanted.station:
        query = query.where(StoredInspection.station_id.in_(_ids_named(Station, wanted.station)))
    if wanted.lot:
        query = query.where(StoredInspection.lot_id.in_(_ids_named(Lot, wanted.lot)))
    if wanted.verdict is not None:
        query = query.where(WaitingPart.rank == _RANKS[wanted.verdict])
    if wanted.least_score is not None:
        query = query.where(WaitingPart.score >= wanted.least_score)
    if wanted.since is not None:
        query = query.where(seen_at >= wanted.since)
    if wanted.search:
        query = query.where(_contains(wanted.search))
    return query


def _ids_named(table: type[Station] | type[Lot], name: str) -> Select[int]:
    return select(table.id).where(table.name == name)


def _contains(text: str) -> ColumnElement[bool]:
    parts = select(Part.id).where(Part.id == StoredInspection.part_id, Part.name.icontains(text, autoescape=True))
    lots = select(Lot.id).where(Lot.id == StoredInspection.lot_id, Lot.name.icontains(text, autoescape=True))
    return or_(parts.exists(), lots.exists(), StoredInspection.trigger_id.icontains(text, autoescape=True))


def _order(order: QueueOrder, *, is_reversed: bool = False) -> tuple[Any, ...]:
    number = WaitingPart.inspection_id
    if order is QueueOrder.NEWEST:
        return (number.asc() if is_reversed else number.desc(),)
    if is_reversed:
        return WaitingPart.rank.desc(), WaitingPart.score, number.desc()
    return WaitingPart.rank.asc(), WaitingPart.score.desc(), number.asc()


def _comes_after(row: StoredInspection, order: QueueOrder) -> ColumnElement[bool]:
    number = WaitingPart.inspection_id
    if order is QueueOrder.NEWEST:
        return number < row.id
    rank = _RANKS[row.verdict]
    score = literal(_NO_SCORE if row.part_score is None else row.part_score, Float(53))
    tied = and_(WaitingPart.score == score, number > row.id)
    return or_(WaitingPart.rank > rank, and_(WaitingPart.rank == rank, or_(WaitingPart.score < score, tied)))
