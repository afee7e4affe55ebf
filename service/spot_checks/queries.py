"""Counts of what was drawn and decided, within a transaction that the operation holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.db.columns import off_index
from service.db.tables import Lot, Station, StoredInspection
from service.profiles.operations import find_stations_of_line
from service.review.operations import Decision, standing_decisions, waiting_for_second_opinion
from service.spot_checks.schemas import CheckScope
from service.spot_checks.tables import DrawnFrom, SpotCheck
from service.tallies.operations import read_total

# A service's clock may be set back; what came then must not be lost.
_CLOCKS_DIFFER = timedelta(days=1)
_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Arrived:
    """Parts that came. `is_behind` while older ones are still being counted: then these are too few."""

    passed_count: int
    flagged_count: int
    is_behind: bool


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


def count_arrived(session: Session, scope: CheckScope) -> Arrived:
    """All parts of the scope: from the tallies, which know of no lots."""
    if scope.lot is None:
        stations = None
        if scope.station is not None or scope.line is not None:
            stations = list(session.scalars(_stations(session, scope)))
        total = read_total(
            session, scope.since or _EVER[0], scope.until or _EVER[1], station_ids=stations, bundle_id=scope.bundle_id
        )
        return Arrived(total.counts.pass_count, total.counts.flagged_count, total.is_behind)
    counted: Any = select(StoredInspection.verdict, func.count()).group_by(StoredInspection.verdict)
    by_verdict = {row[0]: row[1] for row in session.execute(within(session, counted, scope))}
    passed = by_verdict.pop(Verdict.PASS, 0)
    return Arrived(passed, sum(by_verdict.values()), is_behind=False)


def count_drawn(session: Session, scope: CheckScope) -> list[DecidedGroup]:
    """Parts that passed and were drawn. A decision in dispute counts as "unclear"."""
    standing = standing_decisions()
    drawn = (
        select(SpotCheck.probability.label("probability"), _settled(standing))
        .outerjoin(standing, standing.c.inspection_id == SpotCheck.inspection_id)
        .where(SpotCheck.drawn_from == DrawnFrom.PASSED, *_drawn_since(scope))
    )
    if scope != CheckScope():
        # One look for each that was drawn: as a join, PostgreSQL would rather read every inspection there is.
        mine = select(StoredInspection.id).where(StoredInspection.id == SpotCheck.inspection_id)
        drawn = drawn.where(within(session, mine, scope).limit(1).scalar_subquery() == SpotCheck.inspection_id)
    return _count_groups(session, drawn)


def is_checked(standing: Any) -> ColumnElement[bool]:
    """Whether a part that passed was drawn and its decision counts; `standing`: columns of standing decisions."""
    drawn = select(SpotCheck.id).where(
        SpotCheck.inspection_id == standing.inspection_id, SpotCheck.drawn_from == DrawnFrom.PASSED
    )
    disputed = standing.inspection_id.in_(waiting_for_second_opinion())
    return and_(standing.decision != Decision.UNCLEAR, drawn.exists(), ~disputed)


def count_flagged_decided(session: Session, scope: CheckScope) -> list[DecidedGroup]:
    """Held and failed parts by what people said; without a look at the inspections themselves."""
    standing = standing_decisions()
    decided = select(literal(1.0).label("probability"), _settled(standing)).where(standing.c.verdict != Verdict.PASS)
    return _count_groups(session, within(session, decided, scope, standing.c))


def repeated_ids(session: Session, scope: CheckScope) -> Select[int]:
    """Inspections that came again, in SQL."""
    query = select(SpotCheck.inspection_id).join(SpotCheck.inspection).where(SpotCheck.drawn_from == DrawnFrom.DECIDED)
    return within(session, query.where(*_drawn_since(scope)), scope)


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


def within(session: Session, query: Select[Any], scope: CheckScope, of: Any = None) -> Select[Any]:
    """Inspections that the scope asks for; `of` are the columns of them, where these stand beside a decision."""
    station_id = off_index(StoredInspection.station_id) if of is None else of.station_id
    received_at = off_index(StoredInspection.received_at) if of is None else of.received_at
    of = StoredInspection if of is None else of
    if scope.line is not None:
        query = query.where(station_id.in_(find_stations_of_line(session, scope.line)))
    if scope.station is not None:
        query = query.where(station_id.in_(select(Station.id).where(Station.name == scope.station)))
    if scope.lot is not None:
        query = query.where(of.lot_id.in_(select(Lot.id).where(Lot.name == scope.lot)))
    if scope.bundle_id is not None:
        query = query.where(of.bundle_id == scope.bundle_id)
    if scope.since is not None:
        query = query.where(received_at >= scope.since)
    if scope.until is not None:
        query = query.where(received_at < scope.until)
    return query


def _stations(session: Session, scope: CheckScope) -> Select[int]:
    query = select(Station.id)
    if scope.line is not None:
        query = query.where(Station.id.in_(find_stations_of_line(session, scope.line)))
    return query if scope.station is None else query.where(Station.name == scope.station)


def _drawn_since(scope: CheckScope) -> list[ColumnElement[bool]]:
    """A part is drawn as it comes, or later: along the index of draws, not of all parts."""
    return [] if scope.since is None else [SpotCheck.drawn_at >= scope.since - _CLOCKS_DIFFER]


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
