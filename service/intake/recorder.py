"""The one writer of the record: whatever waits while a transaction commits goes into the next one together."""

import asyncio
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from inspection.errors import StorageError
from service.db.engine import Database
from service.intake.findings import PartFindings
from service.intake.recording import NameIds, Recorded, Recording
from service.outcome import Outcome, settle

log = structlog.get_logger("kensa.record")
_GROUP_LIMIT = 64
_REMEMBERED_COUNT = 1024
# A commit costs the same for one as for many. Where many are under way, it waits for a part of them.
_GROUP_SHARE = 3
_LINGER_S = 0.08
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
        self._under_way_count = under_way_count
        self._ids = NameIds()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._recent: OrderedDict[tuple[str, str], Recorded] = OrderedDict()
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def start(self) -> None:
        """Begin to take findings."""
        self._thread.start()

    def close(self) -> None:
        """Finish what was taken, as far as the database allows."""
        self._queue.put(None)
        self._thread.join(self._patience_s)

    @property
    def waiting_count(self) -> int:
        return self._queue.qsize()

    def recall(self, station: str, trigger_id: str) -> Recorded | None:
        """What was recorded of a trigger lately. A verdict never changes, so there is no need to ask again."""
        return self._recent.get((station, trigger_id))

    async def record(self, found: PartFindings) -> Recorded:
        """Durable when it returns. Raises StorageError or SQLAlchemy's errors: then the sender has to try again."""
        waiting = _Waiting(found, asyncio.get_running_loop().create_future())
        self._queue.put(waiting)
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

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            is_last = self._fill(group)
            self._record_group(group)
            if is_last:
                return

    def _fill(self, group: list[_Waiting]) -> bool:
        """Add what waits, and under load what comes within a moment; True at the end of all."""
        wanted = min(_GROUP_LIMIT, self._under_way_count() // _GROUP_SHARE)
        deadline = time.monotonic() + _LINGER_S
        while len(group) < _GROUP_LIMIT:
            rest_s = deadline - time.monotonic() if len(group) < wanted else 0.0
            try:
                following = self._queue.get(timeout=rest_s) if rest_s > 0 else self._queue.get_nowait()
            except queue.Empty:
                return False
            if following is None:
                return True
            group.append(following)
        return False

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
