"""The threads that store: from the event loop to the image store, and back with names or what went wrong."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.gathering import Gathering
from service.images.image_store import ImageStore
from service.outcome import Outcome, settle

_GROUP_LIMIT = 64
# Most of a put in a bucket is waiting for an answer, and never for another put.
_BUCKET_THREADS = 12
_LAST_PUTS_S = 10.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    contents: Sequence[bytes]
    since: float
    answer: asyncio.Future[list[str]]


class Storer:
    """Puts images off the event loop: together where the image store likes that, else side by side.

    Start it, and close it at the end.
    """

    def __init__(
        self,
        image_store: ImageStore,
        *,
        require_room: Callable[[], None] = lambda: None,
        on_put: Callable[[float], None] = lambda _seconds: None,
        under_way_count: Callable[[], int] = lambda: 0,
    ) -> None:
        self._image_store = image_store
        self._require_room = require_room
        self._on_put = on_put
        together = image_store.puts_together
        self._waiting = Gathering(
            "store",
            self._store,
            limit=_GROUP_LIMIT if together else 1,
            thread_count=1 if together else _BUCKET_THREADS,
            under_way_count=under_way_count,
        )

    def start(self) -> None:
        """Begin to store."""
        self._waiting.start()

    def close(self) -> None:
        """Finish what was taken, as far as the image store allows."""
        self._waiting.close(_LAST_PUTS_S)

    def put(self, contents: Sequence[bytes]) -> "asyncio.Future[list[str]]":
        """Begin to store what belongs together: the answer is their SHA-256 once durable, or a StorageError."""
        waiting = _Waiting(contents, time.perf_counter(), asyncio.get_running_loop().create_future())
        self._waiting.put(waiting)
        return waiting.answer

    def _store(self, group: Sequence[_Waiting]) -> None:
        names: list[str] = []
        with Outcome() as outcome:
            self._require_room()
            names = self._image_store.put_all([data for waiting in group for data in waiting.contents])
        if outcome.failure is not None and len(group) > 1:
            # One that finds no room must not take the others with it.
            for waiting in group:
                self._store([waiting])
            return
        for waiting in group:
            mine, names = names[: len(waiting.contents)], names[len(waiting.contents) :]
            self._on_put(time.perf_counter() - waiting.since)
            settle(waiting.answer, outcome.failure or mine)
