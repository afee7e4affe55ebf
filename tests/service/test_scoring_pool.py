"""The pool: batches, order, and one image's trouble is not another's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from inspection.inspector import Inspector, PreparedImage
from inspection.scoring.session import Scores
from inspection.verdict import Reason, Verdict
from service.scoring_pool import Judged, PoolLimits, ScoringPool
from tests.bundles import part_png


class WatchedInspector(Inspector):
    """Notes the size of each batch, waits while `gate` is closed, and refuses an image that is `poisoned`."""

    def __init__(self, inspector: Inspector, poisoned: bytes | None = None) -> None:
        super().__init__(inspector.session, inspector.manifest)
        self.gate, self.has_begun = threading.Event(), threading.Event()
        self.gate.set()
        self.sizes: list[int] = []
        prepared = None if poisoned is None else inspector.prepare(poisoned)
        self.poison = prepared.pixels if isinstance(prepared, PreparedImage) else None

    def score(self, prepared: Sequence[PreparedImage]) -> Scores:
        self.has_begun.set()
        assert self.gate.wait(60)
        self.sizes.append(len(prepared))
        if self.poison is not None and any(np.array_equal(image.pixels, self.poison) for image in prepared):
            raise ValueError("poisoned")
        return super().score(prepared)


async def judge_behind(inspector: WatchedInspector, images: list[bytes], limits: PoolLimits) -> list[Judged]:
    """Judge one image, and while the scorer is busy with it, all of `images`."""
    inspector.gate.clear()
    async with ScoringPool(inspector, limits) as pool:
        first = asyncio.create_task(pool.judge(part_png(99), name="first"))
        await asyncio.to_thread(inspector.has_begun.wait, 60)
        others = [asyncio.create_task(pool.judge(image, name=str(n))) for n, image in enumerate(images)]
        while pool.waiting_count < len(images):
            await asyncio.sleep(0.001)
        inspector.gate.set()
        await first
        return list(await asyncio.gather(*others))


def test_waiting_images_are_scored_together(inspector: Inspector) -> None:
    watched = WatchedInspector(inspector)
    images = [part_png(seed, spot=0.9 * (seed % 2)) for seed in range(6)]
    judged = asyncio.run(judge_behind(watched, images, PoolLimits(batch_limit=4)))
    assert watched.sizes[0] == 1
    assert sum(watched.sizes) == 7
    assert max(watched.sizes) == 4
    verdicts = [one.inspection.verdict for one in judged]
    assert verdicts == [Verdict.PASS, Verdict.FAIL] * 3
    assert [one.heat_map_png is not None for one in judged] == [True] * 6


def test_a_batch_gives_the_scores_of_single_images(inspector: Inspector) -> None:
    images = [part_png(seed, spot=0.1 * seed) for seed in range(6)]
    judged = asyncio.run(judge_behind(WatchedInspector(inspector), images, PoolLimits()))
    alone = [inspector.inspect(image).local_score for image in images]
    together = [one.inspection.local_score for one in judged]
    assert together == pytest.approx(alone, rel=1e-5)


def test_one_poisoned_image_holds_only_itself(inspector: Inspector) -> None:
    images = [part_png(seed) for seed in range(5)]
    watched = WatchedInspector(inspector, poisoned=images[2])
    judged = asyncio.run(judge_behind(watched, images, PoolLimits()))
    reasons = [one.inspection.reason for one in judged]
    assert reasons == [Reason.NORMAL, Reason.NORMAL, Reason.INTERNAL, Reason.NORMAL, Reason.NORMAL]
    assert judged[2].inspection.verdict is Verdict.HOLD


def test_a_stop_answers_those_who_wait(inspector: Inspector) -> None:
    watched = WatchedInspector(inspector)
    watched.gate.clear()

    async def stop_early() -> Judged:
        async with ScoringPool(watched, PoolLimits(timeout_s=0.2)) as pool:
            task = asyncio.create_task(pool.judge(part_png(), name="late"))
            await asyncio.to_thread(watched.has_begun.wait, 60)
        watched.gate.set()
        return await task

    judged = asyncio.run(stop_early())
    assert judged.inspection.verdict is Verdict.HOLD
    assert judged.inspection.reason in (Reason.TIMED_OUT, Reason.INTERNAL)
