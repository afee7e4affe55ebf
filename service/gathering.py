"""Work that costs the same for one as for many: a thread that does together whatever waits for it."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
# Where many are under way, a group waits for a part of them: for all cameras together that is sooner.
_SHARE = 3
_LINGER_S = 0.2


class Gathering(Generic[Item]):
    """Calls `work` with up to `limit` items, one group after another, on `thread_count` threads.

    `under_way_count` tells how many are still to come: alone, an item never waits. `work` must not raise.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[Item]], None],
        *,
        limit: int,
        thread_count: int = 1,
        under_way_count: Callable[[], int] = lambda: 0,
    ) -> None:
        self._work = work
        self._limit = limit
        self._under_way_count = under_way_count
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for _ in range(thread_count)]

    def __len__(self) -> int:
        return self._queue.qsize()

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def put(self, item: Item) -> None:
        """To be worked on, from any thread."""
        self._queue.put(item)

    def close(self, patience_s: float) -> None:
        """Finish what was put, as far as `patience_s` allows."""
        for _thread in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(patience_s)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            is_last = self._fill(group)
            self._work(group)
            if is_last:
                return

    def _fill(self, group: list[Item]) -> bool:
        """Add what waits, and under load what comes within a moment; True at the end of all."""
        wanted = min(self._limit, self._under_way_count() // _SHARE)
        deadline = time.monotonic() + _LINGER_S
        while len(group) < self._limit:
            rest_s = deadline - time.monotonic() if len(group) < wanted else 0.0
            try:
                following = self._queue.get(timeout=rest_s) if rest_s > 0 else self._queue.get_nowait()
            except queue.Empty:
                return False
            if following is None:
                return True
            group.append(following)
        return False
