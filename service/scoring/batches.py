"""Images that wait to be scored, and the micro-batches they leave in."""

import threading
import time
from collections import deque

from service.scoring.job import Job


class BatchQueue:
    """A batch is of one student. It leaves when it is full, when nothing else is on its way, or at its deadline.

    Safe for any number of threads. `batch_limit` images a batch, `deadline_s` from its first image on.
    """

    def __init__(self, batch_limit: int, deadline_s: float) -> None:
        self._batch_limit = batch_limit
        self._deadline_s = deadline_s
        self._jobs: deque[Job] = deque()
        self._expected_count = 0
        self.is_closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._jobs)

    def expect(self) -> None:
        """One more image is being decoded; `put` or `forget` follows."""
        with self._changed:
            self._expected_count += 1

    def forget(self) -> None:
        """An expected image needs no scoring."""
        with self._changed:
            self._expected_count -= 1
            self._changed.notify_all()

    def put(self, job: Job) -> None:
        """An expected image is decoded."""
        job.queued_at = time.perf_counter()
        with self._changed:
            self._expected_count -= 1
            self._jobs.append(job)
            self._changed.notify()

    def put_back(self, jobs: list[Job]) -> None:
        """Jobs whose thread has died: at the front, for another thread."""
        with self._changed:
            self._jobs.extendleft(reversed(jobs))
            self._changed.notify_all()

    def take(self) -> list[Job]:
        """Wait for the next batch; empty when the queue is closed, or nobody waits for its images any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self.is_closed)
            deadline = time.monotonic() + self._deadline_s
            while not self.is_closed and self._expected_count and len(self._jobs) < self._batch_limit:
                rest_s = deadline - time.monotonic()
                if rest_s <= 0 or not self._changed.wait(rest_s):
                    break
            return self._of_one_student()

    def close(self) -> None:
        """Let go all threads that wait here; what is queued stays unscored."""
        with self._changed:
            self.is_closed = True
            self._jobs.clear()
            self._changed.notify_all()

    def _of_one_student(self) -> list[Job]:
        batch: list[Job] = []
        others: list[Job] = []
        now = time.perf_counter()
        while self._jobs and len(batch) < self._batch_limit:
            job = self._jobs.popleft()
            if job.is_abandoned:
                continue
            job.waiting_ms = (now - job.queued_at) * 1e3
            # A job over which a thread has died goes alone: it must not take others with it again.
            fits = not batch or (job.inspector.session is batch[0].inspector.session and not job.deaths)
            (batch if fits else others).append(job)
            if batch[0].deaths:
                break
        self._jobs.extendleft(reversed(others))
        return batch
