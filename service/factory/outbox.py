"""Writing and reading the outbox, within a transaction that the operation holds.

A station's sequence numbers are handed out under a lock on that station's row, which is held until the commit. So they
have no gaps, and who sees number n has n - 1 too: a cursor of one number tells how far a receiver is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.db.tables import Station
from service.factory.tables import OutboxCursor, OutboxMessage, OutboxReceiver, OutboxSequence


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one receiver has not taken yet of one station: the numbers from `taken + 1` to `newest`."""

    station_id: int
    station: str
    taken: int
    newest: int

    @property
    def count(self) -> int:
        return self.newest - self.taken


def add(session: Session, bodies: Mapping[int, Sequence[dict[str, Any]]]) -> None:
    """Number and store messages by station id. Each body has `message_id` and `recorded_at` already."""
    rows = []
    # Sorted, so that two processes that lock the same stations do not wait for each other crosswise.
    for station_id in sorted(bodies):
        mine = bodies[station_id]
        last = _advance(session, station_id, len(mine))
        for sequence, body in enumerate(mine, last - len(mine) + 1):
            numbered = body | {"sequence": sequence}
            rows.append(
                {
                    "station_id": station_id,
                    "sequence": sequence,
                    "message_id": body["message_id"],
                    "recorded_at": datetime.fromisoformat(body["recorded_at"]),
                    "body": numbered,
                }
            )
    session.execute(insert(OutboxMessage), rows)


def find_above(session: Session, station_id: int, sequence: int, *, limit: int) -> list[OutboxMessage]:
    """Messages of a station behind that number, in order."""
    query = select(OutboxMessage).where(OutboxMessage.station_id == station_id, OutboxMessage.sequence > sequence)
    return list(session.scalars(query.order_by(OutboxMessage.sequence).limit(limit)))


def find_newest(session: Session, station: str) -> tuple[int, int] | None:
    """(station id, highest sequence number); None where that station has none."""
    query = select(OutboxSequence.station_id, OutboxSequence.sequence).join(Station).where(Station.name == station)
    found = session.execute(query).first()
    return None if found is None else (found.station_id, found.sequence)


def find_newest_of_all(session: Session) -> dict[int, int]:
    """The highest sequence number by station id."""
    rows = session.execute(select(OutboxSequence.station_id, OutboxSequence.sequence))
    return {row.station_id: row.sequence for row in rows}


def find_backlogs(session: Session, receiver_id: int) -> list[Backlog]:
    """Of every station that has something for this receiver."""
    taken = func.coalesce(OutboxCursor.sequence, 0)
    is_mine = (OutboxCursor.station_id == OutboxSequence.station_id) & (OutboxCursor.receiver_id == receiver_id)
    query = (
        select(OutboxSequence.station_id, Station.name, taken, OutboxSequence.sequence)
        .select_from(OutboxSequence)
        .join(Station, Station.id == OutboxSequence.station_id)
        .outerjoin(OutboxCursor, is_mine)
        .where(OutboxSequence.sequence > taken)
        .order_by(OutboxSequence.station_id)
    )
    return [Backlog(*row) for row in session.execute(query)]


def find_oldest_moment(session: Session, backlogs: Iterable[Backlog]) -> datetime | None:
    """When the oldest message was recorded that is still waited for."""
    moments = [
        session.scalar(
            select(OutboxMessage.recorded_at)
            .where(OutboxMessage.station_id == backlog.station_id, OutboxMessage.sequence > backlog.taken)
            .order_by(OutboxMessage.sequence)
            .limit(1)
        )
        for backlog in backlogs
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def move_cursor(session: Session, receiver_id: int, station_id: int, sequence: int) -> None:
    """This receiver has all of that station up to that number."""
    key = {"receiver_id": receiver_id, "station_id": station_id}
    _upsert(session, OutboxCursor, key, {"sequence": sequence}, {"sequence": sequence})


def begin_cursors(session: Session, receiver_id: int) -> None:
    """For a receiver that is new: it gets what is still kept, from the oldest on."""
    oldest = select(OutboxMessage.station_id, func.min(OutboxMessage.sequence)).group_by(OutboxMessage.station_id)
    begins = {station_id: sequence - 1 for station_id, sequence in session.execute(oldest)}
    for station_id, newest in session.execute(select(OutboxSequence.station_id, OutboxSequence.sequence)):
        move_cursor(session, receiver_id, station_id, begins.get(station_id, newest))


def remove_taken(session: Session, least: Mapping[int, int], before: datetime) -> int:
    """Remove messages older than that which all have: `least` is the number they all have, by station id."""
    removed = 0
    for station_id, sequence in least.items():
        old = delete(OutboxMessage).where(
            OutboxMessage.station_id == station_id,
            OutboxMessage.sequence <= sequence,
            OutboxMessage.recorded_at < before,
        )
        removed += session.execute(old.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    return removed


def forget_receivers(session: Session, names: Sequence[str]) -> None:
    """All others: nobody waits for them any more."""
    gone = list(session.scalars(select(OutboxReceiver.id).where(OutboxReceiver.name.not_in(names))))
    session.execute(delete(OutboxCursor).where(OutboxCursor.receiver_id.in_(gone)))
    session.execute(delete(OutboxReceiver).where(OutboxReceiver.id.in_(gone)))


def _advance(session: Session, station_id: int, count: int) -> int:
    new = OutboxSequence.__table__.c.sequence + count
    upsert = _upsert(session, OutboxSequence, {"station_id": station_id}, {"sequence": count}, {"sequence": new})
    return int(upsert.sequence)


def _upsert(session: Session, table: Any, key: dict[str, int], values: dict[str, Any], changes: dict[str, Any]) -> Any:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table.__table__).values(**key, **values)
    statement = statement.on_conflict_do_update(index_elements=list(key), set_=changes)
    return session.connection().execute(statement.returning(*table.__table__.c)).one()
