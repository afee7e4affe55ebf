"""The pool: bounded, watched, and never without an answer. Whatever goes wrong here is an answer too: HOLD."""

import asyncio
import os
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from inspection.inspector import Inspector
from inspection.verdict import Inspection, Reason
from service.scoring.batches import BatchQueue
from service.scoring.job import Job, Judged
from service.scoring.threads import DecodeThread, ScoringThread

log = structlog.get_logger("kensa.scoring")
_WATCH_S = 0.2


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """`queue_limit` images at once; batches of up to `batch_limit` that wait `batch_deadline_s` to fill.

    `scorer_count` batches are scored at a time: one for each core, or one for a GPU.
    """

    queue_limit: int = 64
    batch_limit: int = 8
    batch_deadline_s: float = 0.005
    timeout_s: float = 10.0
    scorer_count: int = 1


class ScoringPool:
    """Decodes and scores on threads, which are replaced when they die or are stuck.

    Use as an async context manager. `replaced_count` tells how often that was needed.
    """

    def __init__(self, limits: PoolLimits, on_batch: Callable[[int], None] = lambda _count: None) -> None:
        self.limits = limits
        self._on_batch = on_batch
        self.replaced_count = 0
        self._running: set[Job] = set()
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ready = BatchQueue(limits.batch_limit, limits.batch_deadline_s)
        self._decoders = [DecodeThread(self._waiting, self._ready) for _ in range(min(4, os.cpu_count() or 1))]
        self._scorers = [ScoringThread(self._ready, self._on_batch) for _ in range(limits.scorer_count)]

    async def __aenter__(self) -> "ScoringPool":
        for thread in (*self._decoders, *self._scorers):
            thread.start()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running:
            await asyncio.wait([job.answer for job in self._running], timeout=self.limits.timeout_s)
        self._watching.cancel()
        self._ready.close()
        for _decoder in self._decoders:
            self._waiting.put(None)
        for job in tuple(self._running):
            job.answer.cancel()

    @property
    def waiting_count(self) -> int:
        """Images that wait to be scored."""
        return len(self._ready)

    @property
    def running_count(self) -> int:
        """Images that have come in and have no answer yet."""
        return len(self._running)

    @property
    def is_full(self) -> bool:
        return len(self._running) >= self.limits.queue_limit

    async def judge(self, data: bytes, inspector: Inspector, *, name: str) -> Judged:
        """Judge one image. Never raises: overload, timeout and inner failure are held."""
        if self.is_full:
            return _held(inspector, Reason.OVERLOADED, f"{len(self._running)} images were waiting to be judged")
        job = Job(data, name, inspector, asyncio.get_running_loop().create_future())
        self._running.add(job)
        self._ready.expect()
        self._waiting.put(job)
        try:
            await asyncio.wait([job.answer], timeout=self.limits.timeout_s)
        finally:
            job.is_abandoned = True
            self._running.discard(job)
        return self._read(job)

    def _read(self, job: Job) -> Judged:
        if not job.answer.done():
            return _held(job.inspector, Reason.TIMED_OUT, f"no verdict within {self.limits.timeout_s:g} s")
        if job.answer.cancelled():
            return _held(job.inspector, Reason.INTERNAL, "the service was stopped before the image was judged")
        # Asked for, not caught: whatever the failure is, a part must not pass or vanish because of it.
        if failure := job.answer.exception():
            log.error("scoring_failed", image=job.name, exc_info=failure)
            return _held(job.inspector, Reason.INTERNAL, f"scoring failed ({type(failure).__name__})")
        return job.answer.result()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            for number, scorer in enumerate(self._scorers):
                busy_since = scorer.busy_since
                is_stuck = busy_since is not None and time.monotonic() - busy_since > self.limits.timeout_s
                if is_stuck or not scorer.is_running:
                    self._replace_scorer(number)
            for number, thread in enumerate(self._decoders):
                if not thread.is_running:
                    self._replace_decoder(number)

    def _replace_decoder(self, number: int) -> None:
        """Start another thread; the image that the dead one had will time out, and be held."""
        self.replaced_count += 1
        log.error("decoder_replaced")
        self._ready.forget()
        self._decoders[number] = DecodeThread(self._waiting, self._ready)
        self._decoders[number].start()

    def _replace_scorer(self, number: int) -> None:
        """Start another thread. A dead one's images are tried once more, each alone; a stuck one's have timed out."""
        gone = self._scorers[number]
        gone.is_replaced = True
        self.replaced_count += 1
        log.error("scorer_replaced", images=[job.name for job in gone.batch], was_running=gone.is_running)
        if gone.busy_since is not None:
            for job in gone.batch:
                job.deaths += 1
            self._ready.put_back([job for job in gone.batch if job.deaths == 1 and not job.answer.done()])
            for job in gone.batch:
                if job.deaths > 1:
                    job.settle(RuntimeError("a scoring thread died over this image, twice"))
        self._scorers[number] = ScoringThread(self._ready, self._on_batch)
        self._scorers[number].start()


def _held(inspector: Inspector, reason: Reason, detail: str) -> Judged:
    return Judged(Inspection.held(reason, detail, bundle_id=inspector.bundle_id))
