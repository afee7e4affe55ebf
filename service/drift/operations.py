"""What drift does: follows the record, raises alarms, withdraws promises, and ends alarms. One transaction each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from service.alarms import Told
from service.audit.operations import SERVICE, Action, Entry, append
from service.db.engine import Database
from service.db.tables import Station, StoredInspection
from service.drift import queries
from service.drift.blocks import Block, ScoredPart, StationState
from service.drift.schemas import DriftAlarmAnswer, DriftAnswer, StationDrift
from service.drift.tables import DriftAlarm, DriftKind, DriftPoint, DriftWatch
from service.drift.wording import KINDS, SINCE
from service.errors import Conflict, NotFound

__all__ = [
    "FALSE_ALARM_RATE",
    "KINDS",
    "DriftAlarm",
    "DriftKind",
    "DriftOverview",
    "Pictures",
    "catch_up",
    "describe_standing",
    "end_alarm",
    "find_about",
    "find_standing",
    "find_state",
    "find_withdrawn",
    "get_drift",
    "get_overview",
]

_AT_ONCE = 2000
_LEAST_NEW = 5
"""Parts since the last look that are worth another: few, since a view that has gone fails every one of them."""
_POINTS_KEPT = 5000
_POINTS_SHOWN = 240
_PICTURES = 4
FALSE_ALARM_RATE = 0.1
"""False alarms a station and month that are promised where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What an alarm shows: parts just before the first that is counted as moved, and the newest after it."""

    before: list[StoredInspection]
    after: list[StoredInspection]


@dataclass(frozen=True, slots=True)
class DriftOverview:
    """The page: alarms that stand with their pictures, how every station does, and what was."""

    standing: list[tuple[DriftAlarm, Pictures]]
    stations: list[tuple[DriftWatch, StationState, list[DriftPoint]]]
    past: list[DriftAlarm]


def catch_up(database: Database, *, rate: float) -> int:
    """Look at what was recorded since the last look; returns how many parts. `rate`: false alarms a month."""
    with database.reading() as session:
        up_to = queries.find_up_to(session)
        if up_to is not None and queries.find_newest_id(session) - up_to < _LEAST_NEW:
            return 0
    with database.writing() as session:
        queries.take_turn(session)
        up_to = queries.find_up_to(session)
        # A record that is older than this feature: what came long ago says nothing of now.
        start = up_to if up_to is not None else max(queries.find_newest_id(session) - _AT_ONCE, 0)
        rows = queries.find_scored(session, start, limit=_AT_ONCE)
        of_station: dict[int, list[Any]] = {}
        for row in rows:
            of_station.setdefault(row.station_id, []).append(row)
        entries = [
            entry for station_id, mine in of_station.items() for entry in _follow(session, station_id, mine, rate)
        ]
        queries.forget_points(session, of_station, keep=_POINTS_KEPT)
        if entries:
            append(session, *entries)
    return len(rows)


def find_withdrawn(session: Session) -> dict[str, tuple[str, int]]:
    """Stations whose calibration keeps no promise now: {station: (bundle id, profile version) it was made for}."""
    standing = queries.find_alarms(session, standing=True, limit=1000)
    return {row.station.name: (row.bundle_id, row.profile_version) for row in standing if row.kind is DriftKind.GLOBAL}


def find_state(session: Session) -> tuple[int, int]:
    """Changes whenever an alarm is raised or ended."""
    return queries.count_state(session)


def describe_standing(database: Database) -> dict[str, list[Told]]:
    """For the alarms of the service: which stations, by what has moved; none where all is well."""
    with database.reading() as session:
        rows = queries.find_alarms(session, standing=True)
    said = {kind: [row for row in rows if row.kind is kind] for kind in DriftKind}
    return {
        kind.value: [Told(SINCE, {"station": row.station.name, "number": row.since_inspection_id}) for row in mine]
        for kind, mine in said.items()
    }


def find_standing(session: Session) -> list[DriftAlarm]:
    """Alarms that stand, each with its station, the newest first; within the caller's transaction."""
    return queries.find_alarms(session, standing=True, limit=1000)


def find_about(session: Session, row: StoredInspection) -> list[DriftAlarm]:
    """Alarms under which a part was judged: it came since the scores had moved, and before somebody ended that."""
    return queries.find_alarms_about(session, row.station_id, row.id, row.received_at)


def end_alarm(database: Database, alarm_id: int, *, author: str, note: str) -> DriftAlarmAnswer:
    """Somebody has looked, and the station is as it should be: it is learned anew. Raises NotFound, Conflict."""
    with database.writing() as session:
        row = session.scalar(
            select(DriftAlarm).options(joinedload(DriftAlarm.station)).where(DriftAlarm.id == alarm_id)
        )
        if row is None:
            raise NotFound(f"drift alarm {alarm_id}: does not exist", "see GET /api/v1/drift")
        if row.ended_at is not None:
            raise Conflict(f"drift alarm {alarm_id}: was ended by {row.ended_by} already", "see GET /api/v1/drift")
        entry = _end(row, row.station.name, author, note)
        watch = session.get(DriftWatch, row.station_id)
        if watch is not None:
            watch.state = StationState().to_json()
        session.flush()
        append(session, entry)
        return _to_answer(row)


def get_drift(database: Database) -> DriftAnswer:
    """How every station does, and the alarms."""
    with database.reading() as session:
        stations = [_describe(row, StationState.from_json(row.state)) for row in queries.find_watches(session)]
        rows = queries.find_alarms(session, standing=True) + queries.find_alarms(session, standing=False)
        return DriftAnswer(stations=stations, alarms=[_to_answer(row) for row in rows])


def get_overview(database: Database) -> DriftOverview:
    """For the page."""
    with database.reading() as session:
        standing = [(row, _find_pictures(session, row)) for row in queries.find_alarms(session, standing=True)]
        stations = [
            (row, StationState.from_json(row.state), queries.find_points(session, row.station_id, limit=_POINTS_SHOWN))
            for row in queries.find_watches(session)
        ]
        return DriftOverview(standing, stations, queries.find_alarms(session, standing=False, limit=20))


def _follow(session: Session, station_id: int, rows: Sequence[Any], rate: float) -> list[Entry]:
    """One station's new parts, in turn; what they are judged by may change among them."""
    watch = session.get(DriftWatch, station_id)
    name = session.scalars(select(Station.name).where(Station.id == station_id)).one()
    entries: list[Entry] = []
    for key, mine in _by_judge(rows):
        if watch is None:
            watch = DriftWatch(
                station_id=station_id,
                bundle_id=key[0],
                profile_version=key[1],
                up_to_id=0,
                state=StationState().to_json(),
            )
            session.add(watch)
        if (watch.bundle_id, watch.profile_version) != key:
            # Other scores, other limits: nothing that was known holds any more.
            watch.bundle_id, watch.profile_version, watch.state = *key, StationState().to_json()
            entries += [
                _end(row, name, SERVICE, f"the station is judged by {key[0]}, profile version {key[1]}")
                for row in _standing_of(session, station_id)
            ]
        state = StationState.from_json(watch.state)
        for block, reached in state.take((_part(row) for row in mine), rate=rate):
            session.add(_point(station_id, block, state))
            entries += _raise(session, watch, name, block, state, reached)
        watch.state, watch.up_to_id = state.to_json(), mine[-1].id
    return entries


def _by_judge(rows: Sequence[Any]) -> list[tuple[tuple[str, int], list[Any]]]:
    """Runs of parts that were judged by one bundle under one profile version."""
    runs: list[tuple[tuple[str, int], list[Any]]] = []
    for row in rows:
        key = (row.bundle_id or "", row.profile_version)
        if not runs or runs[-1][0] != key:
            runs.append((key, []))
        runs[-1][1].append(row)
    return runs


def _raise(
    session: Session, watch: DriftWatch, name: str, block: Block, state: StationState, reached: Sequence[DriftKind]
) -> list[Entry]:
    if not reached:
        return []
    standing = {row.kind for row in _standing_of(session, watch.station_id)}
    entries = []
    # Where the whole view has moved, what regions say follows from it.
    if DriftKind.GLOBAL in reached or DriftKind.GLOBAL in standing:
        reached = [kind for kind in reached if kind is DriftKind.GLOBAL]
    for kind in reached:
        if kind in standing:
            continue
        evidence = state.evidence(kind)
        row = DriftAlarm(
            station_id=watch.station_id,
            kind=kind,
            bundle_id=watch.bundle_id,
            profile_version=watch.profile_version,
            since_inspection_id=state.since_id(kind) or block.first_id,
            noticed_inspection_id=block.last_id,
            noticed_at=datetime.now(UTC),
            ewma=evidence.ewma,
            ended_at=None,
            ended_by=None,
            note=None,
        )
        session.add(row)
        session.flush()
        detail = {"kind": kind.value, "since": row.since_inspection_id, "noticed": block.last_id, "ewma": row.ewma}
        entries.append(Entry(Action.DRIFT, SERVICE, f"station {name}"[:160], detail | {"bundle": watch.bundle_id}))
    return entries


def _end(row: DriftAlarm, station: str, author: str, note: str) -> Entry:
    row.ended_at, row.ended_by, row.note = datetime.now(UTC), author, note
    detail = {"kind": row.kind.value, "since": row.since_inspection_id, "note": note}
    return Entry(Action.DRIFT_ENDED, author, f"station {station}"[:160], detail)


def _standing_of(session: Session, station_id: int) -> list[DriftAlarm]:
    query = select(DriftAlarm).where(DriftAlarm.station_id == station_id, DriftAlarm.ended_at.is_(None))
    return list(session.scalars(query))


def _find_pictures(session: Session, row: DriftAlarm) -> Pictures:
    where = (row.station_id, row.bundle_id)
    before = queries.find_shown(session, *where, below_id=row.since_inspection_id, limit=_PICTURES)
    after = queries.find_shown(session, *where, from_id=row.since_inspection_id, limit=_PICTURES)
    return Pictures(before, after)


def _part(row: Any) -> ScoredPart:
    is_beyond = row.global_fail_limit is not None and row.global_score > row.global_fail_limit
    return ScoredPart(row.id, row.received_at, row.lot, row.local_score, row.global_score, is_beyond)


def _point(station_id: int, block: Block, state: StationState) -> DriftPoint:
    return DriftPoint(
        station_id=station_id,
        first_inspection_id=block.first_id,
        ended_at=block.ended_at,
        lot=block.lot,
        local_median=block.local_median,
        global_median=block.global_median,
        local_ewma=state.local_evidence.ewma,
        global_ewma=state.global_evidence.ewma,
    )


def _describe(row: DriftWatch, state: StationState) -> StationDrift:
    return StationDrift(
        station=row.station.name,
        bundle_id=row.bundle_id,
        profile_version=row.profile_version,
        is_learning=state.global_evidence.is_learning,
        global_ewma=state.global_evidence.ewma,
        local_ewma=state.local_evidence.ewma,
        global_evidence=min(state.global_evidence.level, 1.0),
        local_evidence=min(state.local_evidence.level, 1.0),
    )


def _to_answer(row: DriftAlarm) -> DriftAlarmAnswer:
    return DriftAlarmAnswer(
        id=row.id,
        station=row.station.name,
        kind=row.kind,
        bundle_id=row.bundle_id,
        since_inspection_id=row.since_inspection_id,
        noticed_at=row.noticed_at,
        ewma=row.ewma,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        note=row.note,
    )
