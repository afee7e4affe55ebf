"""Reading and adding tallies, within a transaction that the operation holds."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.challenge.operations import challenge_inspection_ids
from service.db.first_sight import insert_unless_there
from service.db.tables import StoredInspection
from service.tallies.counts import Counts, Key, VerdictCounts
from service.tallies.tables import Tally, TallyProgress

ROWS_AT_ONCE = 5_000
_ONLY_ROW = 1
_WANTED = (
    StoredInspection.id,
    StoredInspection.station_id,
    StoredInspection.bundle_id,
    StoredInspection.received_at,
    StoredInspection.verdict,
    StoredInspection.local_score,
    StoredInspection.global_score,
)


class Arrival(NamedTuple):
    """What is counted of one inspection."""

    id: int
    station_id: int
    bundle_id: str | None
    received_at: datetime
    verdict: Verdict
    local_score: float | None
    global_score: float | None


def take_progress(session: Session) -> TallyProgress:
    """The one row, which no other process has until this transaction ends."""
    progress = session.get(TallyProgress, _ONLY_ROW, with_for_update=True)
    if progress is None:
        # Another process may be the first too: then it waits here, and takes the row that stands.
        insert_unless_there(session, TallyProgress, {"id": _ONLY_ROW, "last_inspection_id": 0})
        progress = session.get_one(TallyProgress, _ONLY_ROW, with_for_update=True)
    return progress


def find_last_id(session: Session) -> int:
    """Up to which inspection the tallies count."""
    return session.scalar(select(TallyProgress.last_inspection_id)) or 0


def find_oldest_arrivals(session: Session, above_id: int, limit: int = ROWS_AT_ONCE) -> list[Arrival]:
    """The next ones after that id, in order."""
    query = select(*_WANTED).where(StoredInspection.id > above_id).order_by(StoredInspection.id)
    return [Arrival(*row) for row in session.execute(query.limit(limit))]


def find_newest_arrivals(session: Session, above_id: int, limit: int = ROWS_AT_ONCE) -> list[Arrival]:
    """The newest ones above that id."""
    query = select(*_WANTED).where(StoredInspection.id > above_id).order_by(StoredInspection.id.desc())
    return [Arrival(*row) for row in session.execute(query.limit(limit))]


def find_challenge_ids(session: Session, ids: Collection[int]) -> set[int]:
    """Which of those inspections were of challenge parts: these are no production."""
    if not ids:
        return set()
    return set(session.scalars(challenge_inspection_ids(min(ids), max(ids))))


def find_tallies(
    session: Session, since: datetime, until: datetime, station_id: int | None = None
) -> list[tuple[Key, Counts]]:
    """In the order of their quarters."""
    query = select(Tally).where(Tally.quarter >= since, Tally.quarter < until).order_by(Tally.quarter)
    if station_id is not None:
        query = query.where(Tally.station_id == station_id)
    names = Counts.names()
    columns = [getattr(Tally, name) for name in ("station_id", "quarter", "bundle_id", *names)]
    rows: Iterable[Any] = session.execute(query.with_only_columns(*columns))
    return [(Key(*row[:3]), Counts(*row[3:])) for row in rows]


def sum_tallies(
    session: Session,
    since: datetime,
    until: datetime,
    station_ids: Collection[int] | None = None,
    bundle_id: str | None = None,
) -> VerdictCounts:
    """All of these quarters together."""
    sums = [func.coalesce(func.sum(getattr(Tally, name)), 0) for name in VerdictCounts.names()]
    query = select(*sums).where(Tally.quarter >= since, Tally.quarter < until)
    if station_ids is not None:
        query = query.where(Tally.station_id.in_(station_ids))
    if bundle_id is not None:
        query = query.where(Tally.bundle_id == bundle_id)
    row: Any = session.execute(query).one()
    return VerdictCounts(*row)


def add(session: Session, counted: Iterable[tuple[Key, Counts]]) -> None:
    """To what is there."""
    for key, counts in counted:
        wanted = (
            Tally.station_id == key.station_id,
            Tally.quarter == key.quarter,
            Tally.bundle_id == key.bundle_id,
        )
        row = session.scalar(select(Tally).where(*wanted))
        if row is None:
            values = {name: getattr(counts, name) for name in Counts.names()}
            session.add(Tally(station_id=key.station_id, quarter=key.quarter, bundle_id=key.bundle_id, **values))
        else:
            for name in Counts.names():
                setattr(row, name, getattr(row, name) + getattr(counts, name))
