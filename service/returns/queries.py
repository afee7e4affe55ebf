"""Counts and the parts behind them, within a transaction that the operation holds."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.db.tables import Lot, Part, Station, StoredInspection
from service.returns.period import Period
from service.returns.schemas import PartsOf
from service.review.operations import Decision, standing_decisions

_FLAGGED = StoredInspection.verdict != Verdict.PASS
_DECIDED = {
    PartsOf.CAUGHT: (Decision.CONFIRMED_DEFECT, _FLAGGED),
    PartsOf.FALSE_ALARMS: (Decision.FALSE_ALARM, _FLAGGED),
    PartsOf.OVERKILL: (Decision.FALSE_ALARM, StoredInspection.verdict == Verdict.FAIL),
    PartsOf.MISSED: (Decision.CONFIRMED_DEFECT, StoredInspection.verdict == Verdict.PASS),
}


def find_station_id(session: Session, name: str) -> int | None:
    return session.scalar(select(Station.id).where(Station.name == name))


def count_decided(session: Session, period: Period, station_id: int | None) -> dict[tuple[Decision, Verdict], int]:
    """Decisions of the period that stand, by what the machine had said."""
    decided = standing_decisions()
    query = (
        select(decided.c.decision, StoredInspection.verdict, func.count())
        .join(StoredInspection, StoredInspection.id == decided.c.inspection_id)
        .where(decided.c.decided_at >= period.since, decided.c.decided_at < period.until)
        .group_by(decided.c.decision, StoredInspection.verdict)
    )
    if station_id is not None:
        query = query.where(StoredInspection.station_id == station_id)
    return {(Decision(row[0]), row[1]): row[2] for row in session.execute(query)}


def find_parts(
    session: Session, of: PartsOf, period: Period, station_id: int | None, *, below_id: int | None, limit: int
) -> Sequence[Any]:
    """The newest first, with station, part, lot and the decision that stands, if any."""
    decided = standing_decisions()
    query = (
        select(
            StoredInspection.id,
            StoredInspection.received_at,
            StoredInspection.verdict,
            StoredInspection.part_score,
            Station.name.label("station"),
            Part.name.label("part"),
            Lot.name.label("lot"),
            decided.c.decision,
            decided.c.reviewer,
            decided.c.decided_at,
        )
        .join(Station, Station.id == StoredInspection.station_id)
        .join(Part, Part.id == StoredInspection.part_id)
        .outerjoin(Lot, Lot.id == StoredInspection.lot_id)
        .order_by(StoredInspection.id.desc())
        .limit(limit)
    )
    query = _narrowed(query, of, decided, period)
    if station_id is not None:
        query = query.where(StoredInspection.station_id == station_id)
    if below_id is not None:
        query = query.where(StoredInspection.id < below_id)
    return session.execute(query).all()


def _narrowed(query: Select[Any], of: PartsOf, decided: Any, period: Period) -> Select[Any]:
    """By arrival where inspections are counted, by decision where decisions are."""
    is_decided = decided.c.inspection_id == StoredInspection.id
    if of in (PartsOf.INSPECTED, PartsOf.FLAGGED):
        arrived: list[ColumnElement[bool]] = [
            StoredInspection.received_at >= period.since,
            StoredInspection.received_at < period.until,
        ]
        if of is PartsOf.FLAGGED:
            arrived.append(_FLAGGED)
        return query.outerjoin(decided, is_decided).where(*arrived)
    query = query.join(decided, is_decided)
    query = query.where(decided.c.decided_at >= period.since, decided.c.decided_at < period.until)
    if of is PartsOf.DECIDED:
        return query
    decision, verdicts = _DECIDED[of]
    return query.where(decided.c.decision == decision, verdicts)
