"""The queue of parts that wait: its order, its pages, its neighbours, within a transaction that the operation holds.

Order `worst`: held before failed, then the most suspicious first, then the oldest. Order `newest`: as they came. A
blind part lies among the held ones, at a place drawn by chance.

A filter is asked of the next LOOKED_THROUGH parts only, however many wait: these are within reach. Who wants more goes
on behind the last of them.
"""

import operator
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Float, delete, func, insert, literal, select, true, tuple_
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from inspection.naming import Suggestion
from inspection.verdict import Verdict
from service.db.tables import StoredInspection
from service.review.narrowing import RANKS, Waiting, is_asked, is_free, narrowed
from service.review.queue_filter import QueueFilter, QueueOrder
from service.review.tables import WaitingKind, WaitingPart

MOST_COUNTED = 10_000
"""A queue is counted at every key; whoever faces more than these does not read the number."""
LOOKED_THROUGH = 3_000
"""Parts that are compared with a filter at a time."""
# A held image that has no score at all comes after those that have one.
_NO_SCORE = -1e300
# Held parts score between their pass limit and their fail limit.
_BLIND_SCORES = (1.0, 2.0)
_ALL = true()


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """An inspection that is to wait, and why."""

    inspection_id: int
    verdict: Verdict
    part_score: float | None
    kind: WaitingKind = WaitingKind.FLAGGED
    is_blind: bool = False
    suggestion: Suggestion | None = None


def suggestion_for(waiting: WaitingPart) -> Suggestion | None:
    """What the part looks like; None where nothing was found, and for blind parts, which are shown without."""
    name, similarity = waiting.suggested_defect, waiting.suggested_similarity
    return None if name is None or similarity is None or waiting.is_blind else Suggestion(name, similarity)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the queue somebody stands, whether or not that part still waits."""

    inspection_id: int
    rank: int
    score: float


def add(session: Session, entries: Iterable[QueueEntry], chance: random.Random) -> None:
    """Put them into the queue; none of them may wait already."""
    if rows := [_row(entry, chance) for entry in entries]:
        session.execute(insert(WaitingPart), rows)


def remove(session: Session, inspection_id: int) -> None:
    session.execute(delete(WaitingPart).where(WaitingPart.inspection_id == inspection_id))


def find(session: Session, inspection_id: int) -> WaitingPart | None:
    """Its place in the queue, if it waits."""
    return session.scalar(select(WaitingPart).where(WaitingPart.inspection_id == inspection_id))


def place_of(session: Session, row: StoredInspection) -> Place:
    """Where it stands, or would stand if it waited."""
    waiting = find(session, row.id)
    if waiting is not None:
        return Place(row.id, waiting.rank, waiting.score)
    return Place(row.id, RANKS[row.verdict], _NO_SCORE if row.part_score is None else row.part_score)


def find_page(
    session: Session, wanted: QueueFilter, reviewer: str, *, after: StoredInspection | None, limit: int
) -> list[WaitingPart]:
    """Those that wait and are within reach, behind `after`, each with its inspection and its names."""
    waiting = _within_reach(wanted, _behind(session, after, wanted.order))
    query = narrowed(session, select(waiting).join(waiting.inspection), wanted, reviewer, waiting).options(
        contains_eager(waiting.inspection).options(
            joinedload(StoredInspection.station), joinedload(StoredInspection.part), joinedload(StoredInspection.lot)
        )
    )
    return list(session.scalars(query.order_by(*_order(wanted.order, waiting)).limit(limit)))


def find_end_of_reach(session: Session, wanted: QueueFilter, *, after: StoredInspection | None) -> int | None:
    """Where the reach of a page behind `after` ends; None where that is the end of the queue, or all is wanted."""
    if not wanted.is_narrow:
        return None
    query = select(WaitingPart.inspection_id).order_by(*_order(wanted.order)).offset(LOOKED_THROUGH - 1).limit(2)
    found = session.scalars(query.where(_behind(session, after, wanted.order))).all()
    return found[0] if len(found) > 1 else None


def count_held(session: Session) -> tuple[int, int | None]:
    """How many wait among the held ones, and the oldest of these."""
    held = select(func.count(), func.min(WaitingPart.inspection_id)).where(WaitingPart.rank == RANKS[Verdict.HOLD])
    row = session.execute(held).one()
    return row[0], row[1]


def find_first_id(
    session: Session, wanted: QueueFilter, reviewer: str, *, after: StoredInspection | None = None
) -> int | None:
    """Where to begin: the first that nobody else looks at, of all or behind `after`."""
    return _find_free(session, wanted, reviewer, among=_behind(session, after, wanted.order))


def find_id_from(session: Session, place: Place, wanted: QueueFilter, reviewer: str) -> int | None:
    """Where to go on: the part at that place, or where it waits no more, or somebody looks at it, the one after it."""
    there = WaitingPart.inspection_id == place.inspection_id
    for among in (there, _comes_after(place, wanted.order), _ALL):
        found = _find_free(session, wanted, reviewer, among=among)
        if found is not None:
            return found
    return None


def find_next_id(session: Session, row: StoredInspection, wanted: QueueFilter, reviewer: str) -> int | None:
    """The one to look at after `row` that nobody else looks at; from the end of the queue on to its beginning."""
    following = _find_free(session, wanted, reviewer, but=row, among=_behind(session, row, wanted.order))
    return _find_free(session, wanted, reviewer, but=row) if following is None else following


def find_previous_id(session: Session, row: StoredInspection, wanted: QueueFilter, reviewer: str) -> int | None:
    """The one before `row`; from the beginning of the queue on to its end."""
    before = _comes_before(place_of(session, row), wanted.order)
    preceding = _find_free(session, wanted, reviewer, but=row, among=before, is_reversed=True)
    return _find_free(session, wanted, reviewer, but=row, is_reversed=True) if preceding is None else preceding


def count(session: Session, wanted: QueueFilter, reviewer: str, *, after: StoredInspection | None = None) -> int:
    """How many wait for this person of those that are wanted, and within reach behind `after`; one more than
    MOST_COUNTED where there are more yet."""
    if wanted.is_narrow:
        waiting = _within_reach(wanted, _behind(session, after, wanted.order))
        query = narrowed(session, select(waiting).join(waiting.inspection), wanted, reviewer, waiting)
        query = query.with_only_columns(waiting.inspection_id)
    else:
        query = select(WaitingPart.inspection_id).where(is_asked(reviewer))
    counted = query.limit(MOST_COUNTED + 1).subquery()
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
        "suggested_defect": entry.suggestion and entry.suggestion.name,
        "suggested_similarity": entry.suggestion and entry.suggestion.similarity,
    }


def _find_free(
    session: Session,
    wanted: QueueFilter,
    reviewer: str,
    *,
    but: StoredInspection | None = None,
    among: ColumnElement[bool] = _ALL,
    is_reversed: bool = False,
) -> int | None:
    """The first that nobody else looks at, or the last; `among` those, all of which wait."""
    waiting = _within_reach(wanted, among, is_reversed=is_reversed)
    query = narrowed(session, select(waiting).join(waiting.inspection), wanted, reviewer, waiting)
    query = query.where(is_free(reviewer, waiting))
    if but is not None:
        query = query.where(waiting.inspection_id != but.id)
    query = query.order_by(*_order(wanted.order, waiting, is_reversed=is_reversed)).limit(1)
    found: int | None = session.scalar(query.with_only_columns(waiting.inspection_id))
    return found


def _within_reach(wanted: QueueFilter, among: ColumnElement[bool], *, is_reversed: bool = False) -> Waiting:
    """Waiting parts for which `among` holds: the next of them, or all where nothing is asked for."""
    query = select(WaitingPart).where(among)
    if wanted.is_narrow:
        query = query.order_by(*_order(wanted.order, is_reversed=is_reversed)).limit(LOOKED_THROUGH)
    return aliased(WaitingPart, query.subquery("within_reach"))


def _behind(session: Session, after: StoredInspection | None, order: QueueOrder) -> ColumnElement[bool]:
    return _ALL if after is None else _comes_after(place_of(session, after), order)


def _order(order: QueueOrder, waiting: Waiting = WaitingPart, *, is_reversed: bool = False) -> tuple[Any, ...]:
    number = waiting.inspection_id
    if order is QueueOrder.NEWEST:
        return (number.asc() if is_reversed else number.desc(),)
    if is_reversed:
        return waiting.rank.desc(), waiting.place.desc(), number.desc()
    return waiting.rank.asc(), waiting.place.asc(), number.asc()


def _comes_after(place: Place, order: QueueOrder) -> ColumnElement[bool]:
    if order is QueueOrder.NEWEST:
        return WaitingPart.inspection_id < place.inspection_id
    return _compared(place, operator.gt)


def _comes_before(place: Place, order: QueueOrder) -> ColumnElement[bool]:
    if order is QueueOrder.NEWEST:
        return WaitingPart.inspection_id > place.inspection_id
    return _compared(place, operator.lt)


def _compared(place: Place, compare: Callable[[Any, Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    # As one value: with an OR between its columns, SQLite would walk there from the front of the queue.
    key = tuple_(WaitingPart.rank, WaitingPart.place, WaitingPart.inspection_id)
    there = tuple_(literal(place.rank), literal(-place.score, Float(53)), literal(place.inspection_id))
    return compare(key, there)
