"""Counts and the parts behind them, within a transaction that the operation holds."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.db.columns import off_index
from service.db.tables import Lot, Part, Station, StoredInspection
from service.returns.period import Period
from service.returns.schemas import PartsOf
from service.review.operations import Decision, standing_decisions
from service.spot_checks.operations import is_checked

_FLAGGED = StoredInspection.verdict != Verdict.PASS
_DECIDED = {
    PartsOf.CAUGHT: (Decision.CONFIRMED_DEFECT, _FLAGGED),
    PartsOf.FALSE_ALARMS: (Decision.FALSE_ALARM, _FLAGGED),
    PartsOf.OVERKILL: (Decision.FALSE_ALARM, off_index(StoredInspection.verdict) == Verdict.FAIL),
    PartsOf.MISSED: (Decision.CONFIRMED_DEFECT, off_index(StoredInspection.verdict) == Verdict.PASS),
}


def find_station_id(session: Session, name: str) -> int | None:
    return session.scalar(select(Station.id).where(Station.name == name))


def count_decided(session: Session, period: Period, station_id: int | None) -> dict[tuple[Decision, Verdict], int]:
    """Decisions of the period that stand, by what the machine had said."""
    decided = standing_decisions()
    query: Any = (
        select(decided.c.decision, decided.c.verdict, func.count())
        .where(decided.c.decided_at >= period.since, decided.c.decided_at < period.until)
        .group_by(decided.c.decision, decided.c.verdict)
    )
    if station_id is not None:
        query = query.where(decided.c.station_id == station_id)
    return {(Decision(row[0]), row[1]): row[2] for row in session.execute(query)}


def find_parts(
    session: Session, of: PartsOf, period: Period, station_id: int | None, *, below_id: int | None, limit: int
) -> Sequence[Any]:
    """The newest first: inspections with the names of their station, part and lot."""
    query: Any = (
        select(
            StoredInspection.id,
            StoredInspection.received_at,
            StoredInspection.verdict,
            StoredInspection.part_score,
            Station.name.label("station"),
            Part.name.label("part"),
            Lot.name.label("lot"),
        )
        .join(Station, Station.id == StoredInspection.station_id)
        .join(Part, Part.id == StoredInspection.part_id)
        .outerjoin(Lot, Lot.id == StoredInspection.lot_id)
        .order_by(StoredInspection.received_at.desc(), StoredInspection.id.desc())
        .limit(limit)
    )
    query = _narrowed(query, of, period)
    if station_id is not None:
        query = query.where(off_index(StoredInspection.station_id) == station_id)
    last = None if below_id is None else session.get(StoredInspection, below_id)
    if last is not None:
        # In the order of the index, which is walked from here on.
        is_shown = and_(StoredInspection.received_at == last.received_at, StoredInspection.id >= last.id)
        query = query.where(StoredInspection.received_at <= last.received_at, ~is_shown)
    return session.execute(query).all()


def find_decisions(session: Session, inspection_ids: Sequence[int]) -> dict[int, tuple[Decision, str]]:
    """By inspection, the decision that stands and whose it is."""
    decided = standing_decisions()
    query = select(decided.c.inspection_id, decided.c.decision, decided.c.reviewer)
    rows = session.execute(query.where(decided.c.inspection_id.in_(inspection_ids)))
    return {row[0]: (Decision(row[1]), row[2]) for row in rows}


def _narrowed(query: Any, of: PartsOf, period: Period) -> Any:
    """By arrival where inspections are counted, by decision where decisions are."""
    if of in (PartsOf.INSPECTED, PartsOf.FLAGGED):
        arrived = (StoredInspection.received_at >= period.since, StoredInspection.received_at < period.until)
        return query.where(*arrived, _FLAGGED) if of is PartsOf.FLAGGED else query.where(*arrived)
    decided = standing_decisions()
    query = query.join(decided, decided.c.inspection_id == StoredInspection.id)
    if of is PartsOf.CHECKED:
        arrived = (decided.c.received_at >= period.since, decided.c.received_at < period.until)
        return query.where(*arrived, decided.c.verdict == Verdict.PASS, is_checked(decided.c))
    query = query.where(decided.c.decided_at >= period.since, decided.c.decided_at < period.until)
    if of is PartsOf.DECIDED:
        return query
    decision, verdicts = _DECIDED[of]
    return query.where(decided.c.decision == decision, verdicts)
