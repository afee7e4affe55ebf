"""What trends do: one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from sqlalchemy import select

from service.db.tables import Station
from service.drift.operations import DriftAlarm, find_standing
from service.errors import NotFound
from service.runtime import Runtime
from service.shifts import Shift, Shifts
from service.tallies.operations import QUARTER, Counts, Key, quarter_of, read, total_of
from service.trends.control_charts import Point, Subgroup, chart_means, chart_shares
from service.trends.schemas import ChartAnswer, ChartName, PointAnswer, Span, Trends

_LENGTHS = {Span.HOURS: timedelta(hours=72), Span.SHIFTS: timedelta(days=30), Span.DAYS: timedelta(days=90)}


@dataclass(frozen=True, slots=True)
class _Group:
    """Parts that came together, by one bundle."""

    time: Shift
    bundle_id: str
    counts: Counts


def find_stations(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(Station.name).order_by(Station.name)))


def find_drift(runtime: Runtime, station: str) -> list[DriftAlarm]:
    """Alarms of drift that stand at that station."""
    with runtime.database.reading() as session:
        return [alarm for alarm in find_standing(session) if alarm.station.name == station]


def read_trends(runtime: Runtime, station: str, span: Span, *, now: datetime | None = None) -> Trends:
    """The charts of one station. Raises NotFound."""
    until = quarter_of(now or datetime.now(UTC)) + QUARTER
    grouping = _grouping(runtime.shifts, span)
    since = grouping(until - _LENGTHS[span]).start
    with runtime.database.reading() as session:
        station_id = session.scalar(select(Station.id).where(Station.name == station))
        if station_id is None:
            raise NotFound(f"station {station}: has sent nothing yet", "take one that has")
        tallies = read(session, quarter_of(since), until, station_id=station_id)
    groups = _group(tallies.items, grouping)
    return Trends(
        station=station,
        span=span,
        since=since,
        until=until,
        charts=[ChartAnswer(name=name, points=_points(groups, name)) for name in ChartName],
        is_behind=tallies.is_behind,
    )


def _grouping(shifts: Shifts, span: Span) -> Callable[[datetime], Shift]:
    """What lies together with a moment: its hour, shift or day, on the plant's clock."""
    if span is Span.SHIFTS:
        return shifts.at
    if span is Span.DAYS:
        return Shifts(shifts.starts[:1], shifts.zone).at
    hour = timedelta(hours=1)
    return lambda moment: Shift(start := moment.replace(minute=0, second=0, microsecond=0), start + hour)


def _group(items: Sequence[tuple[Key, Counts]], grouping: Callable[[datetime], Shift]) -> list[_Group]:
    """In order of time; of two bundles within one hour, shift or day each has a group of its own."""
    groups = []
    ordered = sorted(items, key=lambda item: item[0].quarter)
    for time, mine in groupby(ordered, key=lambda item: grouping(item[0].quarter)):
        by_bundle: dict[str, list[Counts]] = {}
        for key, counts in mine:
            by_bundle.setdefault(key.bundle_id, []).append(counts)
        groups += [_Group(time, bundle_id, total_of(counts)) for bundle_id, counts in by_bundle.items()]
    return groups


def _points(groups: Sequence[_Group], name: ChartName) -> list[PointAnswer]:
    """Each bundle has limits of its own, from when it came."""
    answers = []
    wanted = [group for group in groups if group.counts.total and (name is ChartName.FLAGGED or _is_scored(group))]
    for _, together in groupby(wanted, key=lambda group: group.bundle_id):
        segment = list(together)
        answers += [_answer(group, point, name) for group, point in zip(segment, _chart(segment, name), strict=True)]
    return answers


def _chart(segment: Sequence[_Group], name: ChartName) -> list[Point]:
    if name is ChartName.FLAGGED:
        counts = [group.counts for group in segment]
        return chart_shares([one.flagged_count for one in counts], [one.total for one in counts])
    return chart_means([_subgroup(group.counts, name) for group in segment])


def _subgroup(counts: Counts, name: ChartName) -> Subgroup:
    total, squares = (
        (counts.local_sum, counts.local_square_sum)
        if name is ChartName.LOCAL
        else (counts.global_sum, counts.global_square_sum)
    )
    mean = total / counts.scored_count
    return Subgroup(counts.scored_count, mean, max(squares / counts.scored_count - mean**2, 0.0))


def _is_scored(group: _Group) -> bool:
    return group.counts.scored_count > 0


def _answer(group: _Group, point: Point, name: ChartName) -> PointAnswer:
    return PointAnswer(
        start=group.time.start,
        end=group.time.end,
        bundle_id=group.bundle_id,
        count=group.counts.total if name is ChartName.FLAGGED else group.counts.scored_count,
        value=point.value,
        centre=point.centre,
        lower=point.lower,
        upper=point.upper,
        rules=list(point.rules),
        is_baseline=point.is_baseline,
    )
