"""Which waiting parts a filter asks for, and which of them a person may decide about, as conditions in SQL."""

from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.db.tables import Lot, Part, Station, StoredInspection
from service.factory.operations import part_number_in_force
from service.profiles.operations import find_stations_of_line
from service.review.opinions import is_live
from service.review.queue_filter import QueueFilter
from service.review.tables import Disposition, ReviewLease, WaitingKind, WaitingPart

Waiting: TypeAlias = type[WaitingPart]
"""The waiting parts, or those of them that are within reach: see `queue`."""
RANKS = {Verdict.HOLD: 0, Verdict.FAIL: 1, Verdict.PASS: 2}
"""Place of a verdict in the queue."""


def narrowed(session: Session, query: Select[Any], wanted: QueueFilter, reviewer: str, waiting: Waiting) -> Select[Any]:
    """Those that are wanted, and that this person is asked about. What is blind has no verdict, score or name yet."""
    query = query.where(is_asked(reviewer, waiting))
    if wanted.line:
        query = query.where(StoredInspection.station_id.in_(find_stations_of_line(session, wanted.line)))
    if wanted.station:
        query = query.where(StoredInspection.station_id.in_(_ids_named(Station, wanted.station)))
    if wanted.lot:
        query = query.where(StoredInspection.lot_id.in_(_ids_named(Lot, wanted.lot)), ~waiting.is_blind)
    if wanted.part_number:
        made = part_number_in_force(StoredInspection.station_id, _seen_at())
        query = query.where(made == wanted.part_number, ~waiting.is_blind)
    if wanted.verdict is not None:
        query = query.where(waiting.rank == RANKS[wanted.verdict], ~waiting.is_blind)
    if wanted.least_score is not None:
        query = query.where(waiting.score >= wanted.least_score, ~waiting.is_blind)
    if wanted.defect:
        query = query.where(waiting.suggested_defect == wanted.defect, ~waiting.is_blind)
    if wanted.since is not None:
        query = query.where(_seen_at() >= wanted.since, ~waiting.is_blind)
    if wanted.search:
        query = query.where(_contains(wanted.search), ~waiting.is_blind)
    if wanted.second_opinion:
        query = query.where(waiting.kind == WaitingKind.SECOND_OPINION)
    return query


def is_asked(reviewer: str, waiting: Waiting = WaitingPart) -> ColumnElement[bool]:
    """Whether a person may answer: a second opinion is another person's than those it is about."""
    own = select(Disposition.id).where(
        Disposition.inspection_id == waiting.inspection_id, Disposition.reviewer == reviewer, is_live(Disposition)
    )
    return or_(waiting.kind != WaitingKind.SECOND_OPINION, ~own.exists())


def is_free(reviewer: str, waiting: Waiting) -> ColumnElement[bool]:
    """Whether nobody else looks at it now."""
    leased = exists().where(
        ReviewLease.inspection_id == waiting.inspection_id,
        ReviewLease.reviewer != reviewer,
        ReviewLease.ends_at > datetime.now(UTC),
    )
    return ~leased


def _seen_at() -> ColumnElement[datetime]:
    """When it was captured, or where no camera said so, when it came."""
    return func.coalesce(StoredInspection.captured_at, StoredInspection.received_at)


def _ids_named(table: type[Station] | type[Lot], name: str) -> Select[int]:
    return select(table.id).where(table.name == name)


def _contains(text: str) -> ColumnElement[bool]:
    parts = select(Part.id).where(Part.id == StoredInspection.part_id, Part.name.icontains(text, autoescape=True))
    lots = select(Lot.id).where(Lot.id == StoredInspection.lot_id, Lot.name.icontains(text, autoescape=True))
    return or_(parts.exists(), lots.exists(), StoredInspection.trigger_id.icontains(text, autoescape=True))
