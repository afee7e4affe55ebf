"""What tallies do. Each operation is one transaction.

Inspections are counted some minutes after they were recorded, a chunk at a time, so that recording them costs nothing;
whoever reads adds those that came since. An inspection is counted by when it arrived here, whatever its camera's clock
said.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from service.db.engine import Database
from service.tallies import queries
from service.tallies.counts import QUARTER, Counts, Key, VerdictCounts, quarter_of, total_of
from service.tallies.queries import ROWS_AT_ONCE, Arrival

__all__ = [
    "QUARTER",
    "Counts",
    "Key",
    "Tallies",
    "Total",
    "catch_up",
    "quarter_of",
    "read",
    "read_total",
    "total_of",
]

# Ids are given before a transaction commits, and not committed in their order. After this long, none comes late.
_SETTLED_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Tallies:
    """What was counted. `is_behind` while older inspections are still being counted: then these are too few."""

    items: list[tuple[Key, Counts]]
    is_behind: bool


@dataclass(frozen=True, slots=True)
class Total:
    """How many came, by verdict."""

    counts: VerdictCounts
    is_behind: bool


def catch_up(database: Database, *, now: datetime | None = None, limit: int = ROWS_AT_ONCE) -> bool:
    """Count the next inspections; True where there may be more to count at once."""
    settled = (now or datetime.now(UTC)) - _SETTLED_AFTER
    with database.reading() as session:
        # Most of the time there is nothing to do, and a reader bothers nobody.
        if not _until_unsettled(queries.find_oldest_arrivals(session, queries.find_last_id(session), 1), settled):
            return False
    with database.writing() as session:
        progress = queries.take_progress(session)
        arrivals = _until_unsettled(queries.find_oldest_arrivals(session, progress.last_inspection_id, limit), settled)
        if not arrivals:
            return False
        queries.add(session, _count(session, arrivals).items())
        progress.last_inspection_id = arrivals[-1].id
    return len(arrivals) == limit


def read(session: Session, since: datetime, until: datetime, *, station_id: int | None = None) -> Tallies:
    """What arrived in the quarters that begin from `since` until before `until`, within the caller's transaction."""
    items = queries.find_tallies(session, since, until, station_id)
    newest, is_behind = _newest(session)
    items += [
        (key, counts)
        for key, counts in newest.items()
        if since <= key.quarter < until and station_id in (None, key.station_id)
    ]
    return Tallies(items, is_behind)


def read_total(
    session: Session,
    since: datetime,
    until: datetime,
    *,
    station_ids: Collection[int] | None = None,
    bundle_id: str | None = None,
) -> Total:
    """How many came, in one sum that the database makes: as quick for a year of many stations as for a shift of one."""
    kept = queries.sum_tallies(session, since, until, station_ids, bundle_id)
    newest, is_behind = _newest(session)
    wanted = (
        counts
        for key, counts in newest.items()
        if since <= key.quarter < until
        and (station_ids is None or key.station_id in station_ids)
        and bundle_id in (None, key.bundle_id)
    )
    newest_counts = total_of(wanted)
    return Total(
        VerdictCounts(*(getattr(kept, name) + getattr(newest_counts, name) for name in VerdictCounts.names())),
        is_behind,
    )


def _newest(session: Session) -> tuple[dict[Key, Counts], bool]:
    """What came since it was last counted, and whether there is more of it than is looked at."""
    arrivals = queries.find_newest_arrivals(session, queries.find_last_id(session))
    return _count(session, arrivals), len(arrivals) == ROWS_AT_ONCE


def _until_unsettled(arrivals: list[Arrival], settled: datetime) -> list[Arrival]:
    for place, arrival in enumerate(arrivals):
        if arrival.received_at >= settled:
            return arrivals[:place]
    return arrivals


def _count(session: Session, arrivals: Iterable[Arrival]) -> dict[Key, Counts]:
    rows = list(arrivals)
    left_out = queries.find_challenge_ids(session, [row.id for row in rows])
    counted: dict[Key, Counts] = {}
    for number, station_id, bundle_id, received_at, verdict, local_score, global_score in rows:
        if number not in left_out:
            key = Key(station_id, quarter_of(received_at), bundle_id or "")
            counted.setdefault(key, Counts()).count(verdict, local_score, global_score)
    return counted
