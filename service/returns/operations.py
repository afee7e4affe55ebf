"""What the report does: one transaction each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.errors import NotFound
from service.returns import queries
from service.returns.money import figure_out
from service.returns.period import Period, period_of
from service.returns.schemas import Counted, EscapeBounds, PartsOf, Returns, ReturnsQuery
from service.review.operations import Decision
from service.runtime import Runtime
from service.spot_checks.operations import CheckScope, estimate_defective_share
from service.tallies.operations import read_total

PAGE_LENGTH = 100


def report(runtime: Runtime, query: ReturnsQuery, *, now: datetime | None = None) -> Returns:
    """Raises NotFound for a station that has sent nothing."""
    period = period_of(query.first_day, query.last_day, runtime.shifts.zone, now=now or datetime.now(UTC))
    with runtime.database.reading() as session:
        station_id = _station_id(session, query.station)
        stations = None if station_id is None else [station_id]
        tallies = read_total(session, period.since, period.until, station_ids=stations)
        decided = queries.count_decided(session, period, station_id)
    total = tallies.counts
    counted = _counted(total.total, total.flagged_count, decided)
    return Returns(
        inputs=query,
        station=query.station,
        first_day=period.first_day,
        last_day=period.last_day,
        since=period.since,
        until=period.until,
        months=period.months,
        counted=counted,
        escapes=_escapes(runtime, query.station, period, total.pass_count),
        money=figure_out(counted, query, period.months),
        is_behind=tallies.is_behind,
    )


@dataclass(frozen=True, slots=True)
class PartsPage:
    """Parts behind a number, newest first; `next_id` is below which id the next page begins."""

    rows: Sequence[Any]
    decisions: dict[int, tuple[Decision, str]]
    """By inspection, the decision that stands and whose it is."""
    next_id: int | None


def find_parts(
    runtime: Runtime, of: PartsOf, query: ReturnsQuery, *, below_id: int | None, now: datetime | None = None
) -> PartsPage:
    """The parts behind a number of the report."""
    period = period_of(query.first_day, query.last_day, runtime.shifts.zone, now=now or datetime.now(UTC))
    with runtime.database.reading() as session:
        station_id = _station_id(session, query.station)
        rows = queries.find_parts(session, of, period, station_id, below_id=below_id, limit=PAGE_LENGTH + 1)
        shown = rows[:PAGE_LENGTH]
        decisions = queries.find_decisions(session, [row.id for row in shown])
    return PartsPage(shown, decisions, shown[-1].id if len(rows) > PAGE_LENGTH else None)


def _station_id(session: Session, station: str | None) -> int | None:
    if station is None:
        return None
    station_id = queries.find_station_id(session, station)
    if station_id is None:
        raise NotFound(f"station {station}: has sent nothing yet", "take one that has, or leave it out for all")
    return station_id


def _counted(inspected: int, flagged: int, decided: dict[tuple[Decision, Verdict], int]) -> Counted:
    def count(decision: Decision, *verdicts: Verdict) -> int:
        return sum(decided.get((decision, verdict), 0) for verdict in verdicts)

    return Counted(
        inspected=inspected,
        flagged=flagged,
        caught=count(Decision.CONFIRMED_DEFECT, Verdict.HOLD, Verdict.FAIL),
        false_alarms=count(Decision.FALSE_ALARM, Verdict.HOLD, Verdict.FAIL),
        overkill=count(Decision.FALSE_ALARM, Verdict.FAIL),
        decided=sum(decided.values()),
        missed=count(Decision.CONFIRMED_DEFECT, Verdict.PASS),
    )


def _escapes(runtime: Runtime, station: str | None, period: Period, passed: int) -> EscapeBounds | None:
    """How many of the parts that passed were defective, as spot checks say."""
    scope = CheckScope(station=station, since=period.since, until=period.until)
    share = estimate_defective_share(runtime.database, scope)
    if not share.total or share.rate is None:
        return None
    return EscapeBounds(
        checked=share.total, escapes=passed * share.rate, low=passed * share.low, high=passed * share.high
    )
