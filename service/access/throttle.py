"""How often somebody may be wrong: a bucket of attempts a name or address, that fills again with time."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from service.errors import TooManyAttempts

# So many buckets at once: whoever sends from ever new names empties no memory, only forgets the oldest.
_BUCKET_LIMIT = 4096


class Throttle:
    """Each subject may fail `attempt_limit` times, and once more every `refill_s` seconds.

    Counted in this process: replicas behind a proxy count each for itself.
    """

    def __init__(self, attempt_limit: int, refill_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = attempt_limit
        self._refill_s = refill_s
        self._clock = clock
        # For each subject the moment when its bucket will be full again.
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._turn = Lock()

    def check(self, subject: str) -> None:
        """Raises TooManyAttempts while the subject's bucket is empty."""
        with self._turn:
            wait_s = self._full_at.get(subject, 0.0) - self._clock() - (self._limit - 1) * self._refill_s
        if wait_s > 0:
            raise TooManyAttempts(
                "too many wrong attempts", f"wait {max(round(wait_s), 1)} seconds and try again", retry_after_s=wait_s
            )

    def count_failure(self, subject: str) -> None:
        with self._turn:
            now = self._clock()
            self._full_at[subject] = max(self._full_at.pop(subject, now), now) + self._refill_s
            if len(self._full_at) > _BUCKET_LIMIT:
                self._full_at.popitem(last=False)

    def forget(self, subject: str) -> None:
        """After a success."""
        with self._turn:
            self._full_at.pop(subject, None)
