"""The threads that store: from the event loop to the image store, and back with a name or what went wrong."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.images.image_store import ImageStore
from service.outcome import Outcome, settle

# Most of a put is waiting for a disk or a bucket, and never for another put.
_THREAD_COUNT = 6
_LAST_PUTS_S = 10.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    data: bytes
    since: float
    answer: asyncio.Future[str]


class Storer:
    """Puts images off the event loop. Start it, and close it at the end.

    Threads of its own: the loop's executor costs more than the hash of an image, for what is not needed here.
    """

    def __init__(
        self,
        image_store: ImageStore,
        *,
        require_room: Callable[[], None] = lambda: None,
        on_put: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._image_store = image_store
        self._require_room = require_room
        self._on_put = on_put
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._run, name="store", daemon=True) for _ in range(_THREAD_COUNT)]

    def start(self) -> None:
        """Begin to store."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish what was taken, as far as the image store allows."""
        for _thread in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(_LAST_PUTS_S)

    def put(self, data: bytes) -> "asyncio.Future[str]":
        """Begin to store bytes: the answer is their SHA-256 once they are durable, or a StorageError."""
        waiting = _Waiting(data, time.perf_counter(), asyncio.get_running_loop().create_future())
        self._queue.put(waiting)
        return waiting.answer

    def _run(self) -> None:
        while (waiting := self._queue.get()) is not None:
            sha256 = ""
            with Outcome() as outcome:
                self._require_room()
                sha256 = self._image_store.put(waiting.data)
                self._on_put(time.perf_counter() - waiting.since)
            settle(waiting.answer, outcome.failure or sha256)
