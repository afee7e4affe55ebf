"""Counts of what was drawn and decided, within a transaction that the operation holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.db.tables import Lot, Station, StoredInspection
from service.profiles.operations import find_stations_of_line
from service.review.operations import Decision, standing_decisions, waiting_for_second_opinion
from service.spot_checks.schemas import CheckScope
from service.spot_checks.tables import DrawnFrom, SpotCheck


@dataclass(frozen=True, slots=True)
class DecidedGroup:
    """Parts that came before a person with the same probability, by what the person said."""

    probability: float
    decision: Decision | None
    """None for those that wait."""
    count: int


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """A part that a person has decided, with the probability by which it came before that person.

    1 for flagged parts, which all do; the rate of its draw for a spot check. A share of all parts is the share of
    1 / probability. `is_settled` is False while the decision waits for a second opinion.
    """

    inspection_id: int
    station: str
    lot: str | None
    bundle_id: str | None
    verdict: Verdict
    local_score: float | None
    global_score: float | None
    part_score: float | None
    image_sha256: str | None
    received_at: datetime
    decision: Decision
    defect: str | None
    decided_at: datetime
    is_blind: bool
    is_settled: bool
    probability: float


def find_station_names(session: Session) -> list[str]:
    return list(session.scalars(select(Station.name).order_by(Station.name)))


def count_passed(session: Session, scope: CheckScope) -> int:
    """All parts that passed."""
    return _count(session, scope, StoredInspection.verdict == Verdict.PASS)


def count_flagged(session: Session, scope: CheckScope) -> int:
    """All parts that were held or failed."""
    return _count(session, scope, StoredInspection.verdict != Verdict.PASS)


def count_drawn(session: Session, scope: CheckScope) -> list[DecidedGroup]:
    """Parts that passed and were drawn. A decision in dispute counts as "unclear"."""
    standing = standing_decisions()
    drawn = (
        select(SpotCheck.probability.label("probability"), _settled(standing))
        .join(StoredInspection, StoredInspection.id == SpotCheck.inspection_id)
        .outerjoin(standing, standing.c.inspection_id == SpotCheck.inspection_id)
        .where(SpotCheck.drawn_from == DrawnFrom.PASSED)
    )
    return _count_groups(session, within(session, drawn, scope))


def count_flagged_decided(session: Session, scope: CheckScope) -> list[DecidedGroup]:
    """Held and failed parts by what people said."""
    standing = standing_decisions()
    decided = (
        select(literal(1.0).label("probability"), _settled(standing))
        .select_from(StoredInspection)
        .join(standing, standing.c.inspection_id == StoredInspection.id)
        .where(StoredInspection.verdict != Verdict.PASS)
    )
    return _count_groups(session, within(session, decided, scope))


def find_repeated_ids(session: Session, scope: CheckScope) -> set[int]:
    """Inspections that came again."""
    query = select(SpotCheck.inspection_id).join(SpotCheck.inspection).where(SpotCheck.drawn_from == DrawnFrom.DECIDED)
    return set(session.scalars(within(session, query, scope)))


def stream_judged(session: Session, scope: CheckScope) -> Iterator[JudgedPart]:
    """See `operations.stream_judged`."""
    standing = standing_decisions()
    is_draw = and_(SpotCheck.inspection_id == StoredInspection.id, SpotCheck.drawn_from == DrawnFrom.PASSED)
    columns: list[Any] = [
        StoredInspection.id.label("inspection_id"),
        Station.name.label("station"),
        Lot.name.label("lot"),
        StoredInspection.bundle_id,
        StoredInspection.verdict,
        StoredInspection.local_score,
        StoredInspection.global_score,
        StoredInspection.part_score,
        StoredInspection.image_sha256,
        StoredInspection.received_at,
        standing.c.decision,
        standing.c.defect,
        standing.c.decided_at,
        standing.c.is_blind,
        StoredInspection.id.not_in(waiting_for_second_opinion()).label("is_settled"),
        func.coalesce(SpotCheck.probability, 1.0).label("probability"),
    ]
    query = (
        select(*columns)
        .join(standing, standing.c.inspection_id == StoredInspection.id)
        .join(Station, Station.id == StoredInspection.station_id)
        .outerjoin(Lot, Lot.id == StoredInspection.lot_id)
        .outerjoin(SpotCheck, is_draw)
        # Whoever opens a part that passed, without being asked, has chosen it: no probability says how.
        .where(or_(StoredInspection.verdict != Verdict.PASS, SpotCheck.id.is_not(None)))
        .order_by(StoredInspection.id)
    )
    for row in session.execute(within(session, query, scope).execution_options(yield_per=500)):
        yield JudgedPart(**row._mapping)


def within(session: Session, query: Select[Any], scope: CheckScope) -> Select[Any]:
    """Inspections that the scope asks for."""
    if scope.line is not None:
        query = query.where(StoredInspection.station_id.in_(find_stations_of_line(session, scope.line)))
    if scope.station is not None:
        named = select(Station.id).where(Station.name == scope.station)
        query = query.where(StoredInspection.station_id.in_(named))
    if scope.lot is not None:
        query = query.where(StoredInspection.lot_id.in_(select(Lot.id).where(Lot.name == scope.lot)))
    if scope.bundle_id is not None:
        query = query.where(StoredInspection.bundle_id == scope.bundle_id)
    if scope.since is not None:
        query = query.where(StoredInspection.received_at >= scope.since)
    if scope.until is not None:
        query = query.where(StoredInspection.received_at < scope.until)
    return query


def _count(session: Session, scope: CheckScope, condition: ColumnElement[bool]) -> int:
    query = select(func.count(StoredInspection.id)).where(condition)
    found: int = session.scalars(within(session, query, scope)).one()
    return found


def _settled(standing: Any) -> ColumnElement[Any]:
    in_dispute = standing.c.inspection_id.in_(waiting_for_second_opinion())
    return case((in_dispute, Decision.UNCLEAR.value), else_=standing.c.decision).label("decision")


def _count_groups(session: Session, parts: Select[Any]) -> list[DecidedGroup]:
    columns = parts.subquery().c
    counted = select(columns.probability, columns.decision, func.count()).group_by(
        columns.probability, columns.decision
    )
    return [
        DecidedGroup(probability, None if decision is None else Decision(decision), count)
        for probability, decision, count in session.execute(counted)
    ]
