"""The queue of parts that wait: its order, its pages, its neighbours, within a transaction that the operation holds.

Order `worst`: held before failed, then the most suspicious first, then the oldest. Order `newest`: as they came. A
blind part lies among the held ones, at a place drawn by chance.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, delete, func, insert, literal, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from inspection.verdict import Verdict
from service.db.tables import StoredInspection
from service.review.narrowing import RANKS, is_asked, is_free, narrowed
from service.review.queue_filter import QueueFilter, QueueOrder
from service.review.tables import WaitingKind, WaitingPart

MOST_COUNTED = 10_000
"""A queue is counted at every key; whoever faces more than these does not read the number."""
# A held image that has no score at all comes after those that have one.
_NO_SCORE = -1e300
# Held parts score between their pass limit and their fail limit.
_BLIND_SCORES = (1.0, 2.0)


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """An inspection that is to wait, and why."""

    inspection_id: int
    verdict: Verdict
    part_score: float | None
    kind: WaitingKind = WaitingKind.FLAGGED
    is_blind: bool = False
    suggested_defect: str | None = None


def add(session: Session, entries: Iterable[QueueEntry], chance: random.Random) -> None:
    """Put them into the queue; none of them may wait already."""
    if rows := [_row(entry, chance) for entry in entries]:
        session.execute(insert(WaitingPart), rows)


def remove(session: Session, inspection_id: int) -> None:
    session.execute(delete(WaitingPart).where(WaitingPart.inspection_id == inspection_id))


def find(session: Session, inspection_id: int) -> WaitingPart | None:
    """Its place in the queue, if it waits."""
    return session.scalar(select(WaitingPart).where(WaitingPart.inspection_id == inspection_id))


def find_page(
    session: Session, wanted: QueueFilter, reviewer: str, *, after: StoredInspection | None, limit: int
) -> list[WaitingPart]:
    """Those that wait, behind `after`, each with its inspection and its names."""
    query = narrowed(session, _waiting(), wanted, reviewer).options(
        contains_eager(WaitingPart.inspection).options(
            joinedload(StoredInspection.station), joinedload(StoredInspection.part), joinedload(StoredInspection.lot)
        )
    )
    if after is not None:
        query = query.where(_comes_after(session, after, wanted.order))
    return list(session.scalars(query.order_by(*_order(wanted.order)).limit(limit)))


def count_held(session: Session) -> tuple[int, int | None]:
    """How many wait among the held ones, and the oldest of these."""
    held = select(func.count(), func.min(WaitingPart.inspection_id)).where(WaitingPart.rank == RANKS[Verdict.HOLD])
    row = session.execute(held).one()
    return row[0], row[1]


def find_first_id(session: Session, wanted: QueueFilter, reviewer: str) -> int | None:
    """Where to begin: the first that nobody else looks at."""
    first: int | None = session.scalar(_free(session, wanted, reviewer).order_by(*_order(wanted.order)).limit(1))
    return first


def find_next_id(session: Session, row: StoredInspection, wanted: QueueFilter, reviewer: str) -> int | None:
    """The one to look at after `row` that nobody else looks at; from the end of the queue on to its beginning."""
    others = _free(session, wanted, reviewer, but=row).order_by(*_order(wanted.order)).limit(1)
    following: int | None = session.scalar(others.where(_comes_after(session, row, wanted.order)))
    if following is not None:
        return following
    first: int | None = session.scalar(others)
    return first


def find_previous_id(session: Session, row: StoredInspection, wanted: QueueFilter, reviewer: str) -> int | None:
    """The one before `row`; from the beginning of the queue on to its end."""
    backwards = _order(wanted.order, is_reversed=True)
    others = _free(session, wanted, reviewer, but=row).order_by(*backwards).limit(1)
    preceding: int | None = session.scalar(others.where(~_comes_after(session, row, wanted.order)))
    if preceding is not None:
        return preceding
    last: int | None = session.scalar(others)
    return last


def count(session: Session, wanted: QueueFilter, reviewer: str) -> int:
    """How many wait for this person of those that are wanted; one more than MOST_COUNTED where there are more yet."""
    if wanted.is_narrow:
        query = narrowed(session, _waiting(), wanted, reviewer)
    else:
        query = select(WaitingPart).where(is_asked(reviewer))
    counted = query.with_only_columns(WaitingPart.inspection_id).limit(MOST_COUNTED + 1).subquery()
    return session.scalars(select(func.count()).select_from(counted)).one()


def count_for_others(session: Session, reviewer: str) -> int:
    """Second opinions that another person has to give."""
    others = select(func.count()).where(WaitingPart.kind == WaitingKind.SECOND_OPINION, ~is_asked(reviewer))
    return session.scalars(others).one()


def count_by_kind(session: Session) -> dict[WaitingKind, int]:
    """All that wait."""
    counted = session.execute(select(WaitingPart.kind, func.count()).group_by(WaitingPart.kind))
    return {row[0]: row[1] for row in counted}


def _row(entry: QueueEntry, chance: random.Random) -> dict[str, Any]:
    score = _NO_SCORE if entry.part_score is None else entry.part_score
    return {
        "inspection_id": entry.inspection_id,
        "rank": RANKS[Verdict.HOLD] if entry.is_blind else RANKS[entry.verdict],
        "score": chance.uniform(*_BLIND_SCORES) if entry.is_blind else score,
        "kind": entry.kind,
        "is_blind": entry.is_blind,
        "suggested_defect": entry.suggested_defect,
    }


def _waiting() -> Select[Any]:
    return select(WaitingPart).join(WaitingPart.inspection)


def _free(session: Session, wanted: QueueFilter, reviewer: str, *, but: StoredInspection | None = None) -> Select[Any]:
    """Ids of those that nobody else looks at."""
    query = narrowed(session, _waiting(), wanted, reviewer).where(is_free(reviewer))
    if but is not None:
        query = query.where(WaitingPart.inspection_id != but.id)
    return query.with_only_columns(WaitingPart.inspection_id)


def _order(order: QueueOrder, *, is_reversed: bool = False) -> tuple[Any, ...]:
    number = WaitingPart.inspection_id
    if order is QueueOrder.NEWEST:
        return (number.asc() if is_reversed else number.desc(),)
    if is_reversed:
        return WaitingPart.rank.desc(), WaitingPart.score, number.desc()
    return WaitingPart.rank.asc(), WaitingPart.score.desc(), number.asc()


def _comes_after(session: Session, row: StoredInspection, order: QueueOrder) -> ColumnElement[bool]:
    number = WaitingPart.inspection_id
    if order is QueueOrder.NEWEST:
        return number < row.id
    waiting = find(session, row.id)
    rank = waiting.rank if waiting else RANKS[row.verdict]
    own = waiting.score if waiting else _NO_SCORE if row.part_score is None else row.part_score
    score = literal(own, Float(53))
    tied = and_(WaitingPart.score == score, number > row.id)
    return or_(WaitingPart.rank > rank, and_(WaitingPart.rank == rank, or_(WaitingPart.score < score, tied)))
