"""What the overview does: one transaction."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from service.db.tables import Station, StoredInspection
from service.drift.operations import DriftAlarm, find_standing
from service.overview import queries
from service.overview.schemas import AlarmNow, DriftNow, LatestAnswer, Overview, StationNow
from service.registry.operations import list_promotions
from service.review.operations import describe_held
from service.runtime import Runtime
from service.tallies.operations import Counts, quarter_of, read, total_of

_SHOWN_FOR = timedelta(days=7)
_SILENT_AFTER = timedelta(minutes=10)


def look(runtime: Runtime, *, now: datetime | None = None) -> Overview:
    """The line as it is now. Stations that sent nothing for a week are left out."""
    at = now or datetime.now(UTC)
    shift = runtime.shifts.at(at)
    with runtime.database.reading() as session:
        stations = queries.find_stations(session)
        latest = queries.find_latest(session)
        tallies = read(session, quarter_of(shift.start), at + timedelta(minutes=15))
        held_count, oldest_held_at = describe_held(session)
        drifts = {alarm.station_id: alarm for alarm in reversed(find_standing(session))}
    by_station: dict[int, Counts] = {}
    for key, counts in tallies.items:
        by_station[key.station_id] = total_of([by_station.get(key.station_id, Counts()), counts])
    total = total_of(by_station.values())
    promotions = [one for one in list_promotions(runtime.database) if one.bundle_id == runtime.inspector.bundle_id]
    return Overview(
        at=at,
        shift_start=shift.start,
        shift_end=shift.end,
        stations=_stations(runtime, stations, latest, by_station, drifts, at),
        yield_rate=_yield(total),
        inspected_count=total.total,
        held_waiting_count=held_count,
        oldest_held_at=oldest_held_at,
        bundle_id=runtime.inspector.bundle_id,
        promoted_at=promotions[0].promoted_at if promotions else None,
        alarms=[AlarmNow(name=alarm.name, detail=alarm.detail) for alarm in runtime.alarms.standing()],
        is_behind=tallies.is_behind,
    )


def _stations(
    runtime: Runtime,
    stations: Sequence[Station],
    latest: Mapping[int, StoredInspection],
    counted: Mapping[int, Counts],
    drifts: Mapping[int, DriftAlarm],
    at: datetime,
) -> list[StationNow]:
    found = []
    for station in stations:
        newest = latest.get(station.id)
        if newest is None or newest.received_at < at - _SHOWN_FOR:
            continue
        counts = counted.get(station.id, Counts())
        plan = runtime.in_force.plan_of(station.name)
        found.append(
            StationNow(
                station=station.name,
                bundle_id=plan.inspector.bundle_id if plan.inspector else None,
                profile_version=plan.profile_version,
                pass_count=counts.pass_count,
                hold_count=counts.hold_count,
                fail_count=counts.fail_count,
                yield_rate=_yield(counts),
                latest=LatestAnswer(inspection_id=newest.id, verdict=newest.verdict, received_at=newest.received_at),
                challenge=runtime.challenge.challenge_of(station.name, at).standing,
                drift=_drift(drifts.get(station.id)),
                is_silent=counts.total > 0 and newest.received_at < at - _SILENT_AFTER,
            )
        )
    return found


def _drift(alarm: DriftAlarm | None) -> DriftNow | None:
    if alarm is None:
        return None
    return DriftNow(alarm_id=alarm.id, kind=alarm.kind, since_inspection_id=alarm.since_inspection_id)


def _yield(counts: Counts) -> float | None:
    return counts.pass_count / counts.total if counts.total else None
