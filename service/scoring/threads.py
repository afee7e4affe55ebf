"""The threads that decode and score. Each tells what became of its work, unless it dies over it."""

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from inspection.inspector import PreparedImage
from inspection.scoring.heat_map import encode_heat_map
from inspection.scoring.session import Scores
from service.outcome import Outcome
from service.scoring.batches import BatchQueue
from service.scoring.job import Job, Judged

log = structlog.get_logger("kensa.scoring")


class WatchedThread(threading.Thread):
    """A thread that may die in native code, which Python does not notice."""

    @property
    def is_running(self) -> bool:
        """Whether the operating system still has it, where that can be asked."""
        task = Path(f"/proc/self/task/{self.native_id}")
        return self.is_alive() and (task.exists() or not task.parent.is_dir())


class DecodeThread(WatchedThread):
    """Takes jobs from `waiting`, prepares them, and hands them to `ready`; None ends it."""

    def __init__(self, waiting: "queue.SimpleQueue[Job | None]", ready: BatchQueue) -> None:
        super().__init__(name="decode", daemon=True)
        self._waiting, self._ready = waiting, ready

    def run(self) -> None:
        """Until None comes."""
        while (job := self._waiting.get()) is not None:
            if job.is_prepared():
                self._ready.put(job)
            else:
                self._ready.forget()


class ScoringThread(WatchedThread):
    """Scores batch after batch. `batch` and `busy_since` tell a watcher what it is at, and for how long."""

    def __init__(self, ready: BatchQueue, on_batch: Callable[[int], None]) -> None:
        super().__init__(name="score", daemon=True)
        self._ready = ready
        self._on_batch = on_batch
        self.batch: list[Job] = []
        self.busy_since: float | None = None
        self.is_replaced = False

    def run(self) -> None:
        """Until the queue is closed, or another thread has taken its place."""
        while not self.is_replaced:
            self.batch = self._ready.take()
            if not self.batch:
                if self._ready.is_closed:
                    break
                continue
            self.busy_since = time.monotonic()
            self._on_batch(len(self.batch))
            if not self._score(self.batch):
                for job in self.batch:
                    self._score([job])
            self.busy_since = None

    def _score(self, batch: list[Job]) -> bool:
        """Answer all of a batch; False, with nothing answered, where its images may go better one by one."""
        judged: list[Judged] = []
        with Outcome() as outcome:
            judged = score_batch(batch)
        if outcome.failure is None:
            for job, one in zip(batch, judged, strict=True):
                job.settle(one)
            return True
        if len(batch) > 1:
            return False
        batch[0].settle(outcome.failure)
        return True


def score_batch(batch: list[Job]) -> list[Judged]:
    """The jobs share a student, and each has its own profile."""
    images = [job.image for job in batch if job.image is not None]
    start = time.perf_counter()
    scores = batch[0].inspector.score(images)
    inference_ms = (time.perf_counter() - start) * 1e3
    return [
        _conclude(job, image, _row(scores, number), inference_ms)
        for number, (job, image) in enumerate(zip(batch, images, strict=True))
    ]


def _conclude(job: Job, image: PreparedImage, scores: Scores, inference_ms: float) -> Judged:
    [inspection] = job.inspector.conclude([image], scores, inference_ms=inference_ms)
    inspection.timings_ms["waiting"] = job.waiting_ms
    if inspection.anomaly_map is None:
        return Judged(inspection)
    return Judged(inspection, encode_heat_map(inspection.anomaly_map, job.inspector.thresholds.local_score.pass_limit))


def _row(scores: Scores, number: int) -> Scores:
    row = slice(number, number + 1)
    return Scores(scores.anomaly_map[row], scores.local_score[row], scores.global_score[row])
