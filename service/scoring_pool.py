"""From an image's bytes to its inspection, off the event loop, in micro-batches, and always with an answer.

Whatever goes wrong here is an answer too: HOLD, with its reason.
"""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import structlog

from inspection.inspector import Inspector, PreparedImage
from inspection.scoring.heat_map import render_heat_map
from inspection.verdict import Inspection, Reason

log = structlog.get_logger("kensa.scoring")


@dataclass(frozen=True, slots=True)
class Judged:
    """An inspection with its heat map as PNG bytes, where the image could be scored."""

    inspection: Inspection
    heat_map_png: bytes | None = None


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """`queue_limit` images at once; batches of up to `batch_limit` that wait `batch_deadline_s` to fill."""

    queue_limit: int = 64
    batch_limit: int = 8
    batch_deadline_s: float = 0.005
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class _Job:
    image: PreparedImage
    queued_at: float
    answer: asyncio.Future[Judged]


class ScoringPool:
    """Decodes on several threads and scores on one. Use as an async context manager."""

    def __init__(self, inspector: Inspector, limits: PoolLimits) -> None:
        self.inspector = inspector
        self.limits = limits
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._running: set[asyncio.Task[Judged]] = set()
        self._decoders = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="decode")
        self._scorer = ThreadPoolExecutor(1, thread_name_prefix="score")

    async def __aenter__(self) -> "ScoringPool":
        self._batching = asyncio.create_task(self._score_batches())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=self.limits.timeout_s)
        leftovers = {self._batching, *self._running}
        for task in leftovers:
            task.cancel()
        await asyncio.wait(leftovers)
        for threads in (self._decoders, self._scorer):
            threads.shutdown(wait=False, cancel_futures=True)

    @property
    def waiting_count(self) -> int:
        """Images that are decoded and wait to be scored."""
        return self._jobs.qsize()

    async def judge(self, data: bytes, *, name: str) -> Judged:
        """Judge one image. Never raises: overload, timeout and inner failure are held."""
        if len(self._running) >= self.limits.queue_limit:
            return self._held(Reason.OVERLOADED, f"{len(self._running)} images were waiting to be judged")
        task = asyncio.create_task(self._judge(data, name))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=self.limits.timeout_s)
        if not task.done():
            task.cancel()
            return self._held(Reason.TIMED_OUT, f"no verdict within {self.limits.timeout_s:g} s")
        if task.cancelled():
            return self._held(Reason.INTERNAL, "the service was stopped before the image was judged")
        # Asked for, not caught: whatever the failure is, a part must not pass or vanish because of it.
        if failure := task.exception():
            log.error("scoring_failed", image=name, exc_info=failure)
            return self._held(Reason.INTERNAL, f"scoring failed ({type(failure).__name__})")
        return task.result()

    async def _judge(self, data: bytes, name: str) -> Judged:
        loop = asyncio.get_running_loop()
        prepared = await loop.run_in_executor(self._decoders, self._prepare, data, name)
        if isinstance(prepared, Inspection):
            return Judged(prepared)
        answer: asyncio.Future[Judged] = loop.create_future()
        self._jobs.put_nowait(_Job(prepared, time.perf_counter(), answer))
        return await answer

    async def _score_batches(self) -> None:
        while True:
            batch = await self._next_batch()
            # One poisoned image must not hold the others of its batch: each is tried alone then.
            if batch and not await self._score(batch) and len(batch) > 1:
                for job in batch:
                    await self._score([job])

    async def _next_batch(self) -> list[_Job]:
        jobs = [await self._jobs.get()]
        try:
            async with asyncio.timeout(self.limits.batch_deadline_s):
                # Waits only while other images are on their way.
                while len(jobs) < min(self.limits.batch_limit, len(self._running)):
                    jobs.append(await self._jobs.get())
        except TimeoutError:
            pass
        return [job for job in jobs if not job.answer.done()]

    async def _score(self, batch: list[_Job]) -> bool:
        """Score a batch and answer its jobs; False, with no job answered, where others may still go well alone."""
        work = asyncio.get_running_loop().run_in_executor(self._scorer, self._score_images, batch)
        await asyncio.wait({work})
        failure = work.exception()
        if failure and len(batch) > 1:
            return False
        for number, job in enumerate(batch):
            if job.answer.done():
                continue
            if failure:
                job.answer.set_exception(failure)
            else:
                job.answer.set_result(work.result()[number])
        return True

    def _prepare(self, data: bytes, name: str) -> PreparedImage | Inspection:
        return self.inspector.prepare(data, name=name)

    def _score_images(self, batch: list[_Job]) -> list[Judged]:
        images = [job.image for job in batch]
        start = time.perf_counter()
        scores = self.inspector.score(images)
        inference_ms = (time.perf_counter() - start) * 1e3
        inspections = self.inspector.conclude(images, scores, inference_ms=inference_ms)
        return [
            self._with_heat_map(inspection, (start - job.queued_at) * 1e3)
            for inspection, job in zip(inspections, batch, strict=True)
        ]

    def _with_heat_map(self, inspection: Inspection, waiting_ms: float) -> Judged:
        timed = replace(inspection, timings_ms={**inspection.timings_ms, "waiting": waiting_ms})
        if timed.anomaly_map is None:
            return Judged(timed)
        pass_limit = self.inspector.thresholds.local_score.pass_limit
        return Judged(timed, render_heat_map(timed.anomaly_map, pass_limit))

    def _held(self, reason: Reason, detail: str) -> Judged:
        return Judged(Inspection.held(reason, detail, bundle_id=self.inspector.bundle_id))
