"""Station keys: made, rotated with overlap, and recognised without a question to the database for most parts."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from service.access.credentials import KEY_PREFIX, digest_of, make_secret
from service.access.tables import StationKey
from service.callers import STATION_PERMISSIONS, Caller
from service.db.engine import Database
from service.errors import NotFound

# A revoked key opens for so long yet: what a part may cost allows no question to the database for each.
_REMEMBERED_S = 10.0
_REMEMBERED_COUNT = 1024
_SEEN_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Known:
    key_sha256: str
    caller: Caller | None
    ends_at: datetime | None
    asked_at: float


class KeyRing:
    """Recognises keys; what it has looked up it remembers for seconds, wrong keys too."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def recall(self, key: str) -> tuple[bool, Caller | None]:
        """(is it remembered, whose key it is) without touching the database."""
        digest = digest_of(key)
        known = self._known.get(digest)
        if known is None or self._clock() - known.asked_at > _REMEMBERED_S:
            return False, None
        is_over = known.ends_at is not None and known.ends_at <= datetime.now(UTC)
        return True, known.caller if compare_digest(known.key_sha256, digest) and not is_over else None

    def look_up(self, key: str) -> Caller | None:
        """Whose key it is, from the database; None for a wrong one, or one that has ended."""
        digest = digest_of(key)
        row = self._find(digest) if key.startswith(KEY_PREFIX) else None
        caller = None if row is None else Caller(f"station key {row.id}", STATION_PERMISSIONS, row.stations)
        if len(self._known) >= _REMEMBERED_COUNT:
            self._known.clear()
        self._known[digest] = _Known(digest, caller, None if row is None else row.ends_at, self._clock())
        return self.recall(key)[1]

    def _find(self, digest: str) -> StationKey | None:
        now = datetime.now(UTC)
        with self._database.reading() as session:
            row = session.scalar(select(StationKey).where(StationKey.key_sha256 == digest))
        if row is not None and (row.seen_at is None or now - row.seen_at > _SEEN_EVERY):
            with self._database.writing() as session:
                session.execute(update(StationKey).where(StationKey.id == row.id).values(seen_at=now))
        return row


def add_key(session: Session, stations: str, overlap: timedelta) -> tuple[StationKey, str]:
    """(row, the key itself, told only now). Older keys of the same scope end after `overlap`."""
    now = datetime.now(UTC)
    older = update(StationKey).where(
        StationKey.stations == stations, or_(StationKey.ends_at.is_(None), StationKey.ends_at > now + overlap)
    )
    session.execute(older.values(ends_at=now + overlap))
    key = make_secret(KEY_PREFIX)
    row = StationKey(stations=stations, key_sha256=digest_of(key), created_at=now)
    session.add(row)
    session.flush()
    return row, key


def end_key(session: Session, key_id: int) -> StationKey:
    """The key opens no more. Raises NotFound."""
    row = session.get(StationKey, key_id)
    if row is None:
        raise NotFound(f"key {key_id}: does not exist", "take an id from: python -m service stations keys")
    now = datetime.now(UTC)
    row.ends_at = now if row.ends_at is None else min(row.ends_at, now)
    return row


def find_keys(session: Session) -> list[StationKey]:
    """Newest first."""
    return list(session.scalars(select(StationKey).order_by(StationKey.id.desc())))
