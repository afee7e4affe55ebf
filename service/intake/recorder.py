"""The one writer of the record: whatever waits while a transaction commits goes into the next one together."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from inspection.errors import StorageError
from service.db.engine import Database
from service.gathering import Gathering
from service.intake.findings import PartFindings
from service.intake.recording import NameIds, Recorded, Recording
from service.outcome import Outcome, settle

log = structlog.get_logger("kensa.record")
_GROUP_LIMIT = 64
_REMEMBERED_COUNT = 1024
# With these the database is the matter, and not one of the findings.
_UNREACHABLE = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)


@dataclass(frozen=True, slots=True)
class _Waiting:
    found: PartFindings
    answer: asyncio.Future[Recorded]


class Recorder:
    """Takes findings from the event loop and answers when they are durable. Start it, and close it at the end."""

    def __init__(
        self,
        database: Database,
        *,
        late_after_s: float,
        patience_s: float,
        tells_factory: bool = False,
        on_commit: Callable[[int], None] = lambda _count: None,
        under_way_count: Callable[[], int] = lambda: 0,
    ) -> None:
        self._database = database
        self._late_after = timedelta(seconds=late_after_s)
        self._patience_s = patience_s
        self._tells_factory = tells_factory
        self._on_commit = on_commit
        self._ids = NameIds()
        self._recent: OrderedDict[tuple[str, str], Recorded] = OrderedDict()
        self._waiting = Gathering("record", self._record_group, limit=_GROUP_LIMIT, under_way_count=under_way_count)

    def start(self) -> None:
        """Begin to take findings."""
        self._waiting.start()

    def close(self) -> None:
        """Finish what was taken, as far as the database allows."""
        self._waiting.close(self._patience_s)

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    def recall(self, station: str, trigger_id: str) -> Recorded | None:
        """What was recorded of a trigger lately. A verdict never changes, so there is no need to ask again."""
        return self._recent.get((station, trigger_id))

    async def record(self, found: PartFindings) -> Recorded:
        """Durable when it returns. Raises StorageError or SQLAlchemy's errors: then the sender has to try again."""
        waiting = _Waiting(found, asyncio.get_running_loop().create_future())
        self._waiting.put(waiting)
        done, _ = await asyncio.wait([waiting.answer], timeout=self._patience_s)
        if not done:
            # It may still be recorded. The next try tells, by the same trigger.
            raise StorageError(
                f"the database has not answered for {self._patience_s:g} s", "see that it runs, then send again"
            )
        recorded = waiting.answer.result()
        self._remember(found, recorded)
        return recorded

    def _remember(self, found: PartFindings, recorded: Recorded) -> None:
        key = (found.trigger.station, found.trigger.trigger_id)
        self._recent[key] = Recorded(recorded.answers, was_first=False)
        if len(self._recent) > _REMEMBERED_COUNT:
            self._recent.popitem(last=False)

    def _record_group(self, group: Sequence[_Waiting]) -> None:
        recorded: list[Recorded] = []
        with Outcome() as outcome:
            recorded = self._commit([waiting.found for waiting in group])
        if outcome.failure is None:
            for waiting, one in zip(group, recorded, strict=True):
                settle(waiting.answer, one)
            return
        if len(group) > 1 and not isinstance(outcome.failure, _UNREACHABLE):
            # One finding that the database refuses must not take the others with it.
            for waiting in group:
                self._record_group([waiting])
            return
        log.error("record_failed", count=len(group), error=str(outcome.failure).splitlines()[0])
        for waiting in group:
            settle(waiting.answer, outcome.failure)

    def _commit(self, found: list[PartFindings]) -> list[Recorded]:
        with self._database.writing() as session:
            recording = Recording(session, self._ids, late_after=self._late_after, tells_factory=self._tells_factory)
            recorded = recording.record(found)
        recording.remember()
        self._on_commit(len(found))
        return recorded
