"""The pool: batches, order, and one image's trouble is not another's."""

from __future__ import annotations

import asyncio
import ctypes
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from inspection.bundle.reader import open_bundle
from inspection.inspector import Inspector, PreparedImage
from inspection.scoring.session import Scores
from inspection.verdict import Reason, Verdict
from service.scoring.job import Judged
from service.scoring.pool import PoolLimits, ScoringPool
from tests.bundles import make_bundle, part_png

BOTH_WAYS = pytest.mark.parametrize("limits", [PoolLimits(), PoolLimits(batch_limit=1)], ids=["batches", "single"])
"""As on a GPU, and as on a CPU."""


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
    async with ScoringPool(limits) as pool:
        first = asyncio.create_task(pool.judge(part_png(99), inspector, name="first"))
        await asyncio.to_thread(inspector.has_begun.wait, 60)
        others = [asyncio.create_task(pool.judge(image, inspector, name=str(n))) for n, image in enumerate(images)]
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


@BOTH_WAYS
def test_one_poisoned_image_holds_only_itself(inspector: Inspector, limits: PoolLimits) -> None:
    images = [part_png(seed) for seed in range(5)]
    watched = WatchedInspector(inspector, poisoned=images[2])
    judged = asyncio.run(judge_behind(watched, images, limits))
    reasons = [one.inspection.reason for one in judged]
    assert reasons == [Reason.NORMAL, Reason.NORMAL, Reason.INTERNAL, Reason.NORMAL, Reason.NORMAL]
    assert judged[2].inspection.verdict is Verdict.HOLD


def test_a_stop_answers_those_who_wait(inspector: Inspector) -> None:
    watched = WatchedInspector(inspector)
    watched.gate.clear()

    async def stop_early() -> Judged:
        async with ScoringPool(PoolLimits(timeout_s=0.2)) as pool:
            task = asyncio.create_task(pool.judge(part_png(), watched, name="late"))
            await asyncio.to_thread(watched.has_begun.wait, 60)
        watched.gate.set()
        return await task

    judged = asyncio.run(stop_early())
    assert judged.inspection.verdict is Verdict.HOLD
    assert judged.inspection.reason in (Reason.TIMED_OUT, Reason.INTERNAL)


@BOTH_WAYS
def test_an_image_that_cannot_be_judged_is_held_beside_others(inspector: Inspector, limits: PoolLimits) -> None:
    images = [part_png(1), b"no image", part_png(2, spot=0.9)]
    judged, replaced_count = asyncio.run(judge_all(inspector, images, limits))
    assert [one.inspection.reason for one in judged] == [Reason.NORMAL, Reason.UNDECODABLE, Reason.LOCAL_FAIL]
    assert (judged[1].heat_map_png, replaced_count) == (None, 0)


@BOTH_WAYS
def test_each_image_tells_how_long_it_took(inspector: Inspector, limits: PoolLimits) -> None:
    judged, _ = asyncio.run(judge_all(inspector, [part_png(seed) for seed in range(3)], limits))
    for one in judged:
        assert set(one.inspection.timings_ms) == {"decode", "preprocess", "waiting", "inference"}
        assert min(one.inspection.timings_ms.values()) >= 0.0


class DyingInspector(Inspector):
    """Ends the thread that scores, as a fault in native code may: without an exception, and only `deaths` times."""

    def __init__(self, inspector: Inspector, deaths: int) -> None:
        super().__init__(inspector.session, inspector.manifest)
        self.deaths = deaths

    def score(self, prepared: Sequence[PreparedImage]) -> Scores:
        if self.deaths:
            self.deaths -= 1
            ctypes.CDLL(None).pthread_exit(None)
        return super().score(prepared)


async def judge_all(inspector: Inspector, images: list[bytes], limits: PoolLimits) -> tuple[list[Judged], int]:
    """(what became of the images at once, how many threads were replaced)."""
    async with ScoringPool(limits) as pool:
        judged = await asyncio.gather(*(pool.judge(image, inspector, name=str(n)) for n, image in enumerate(images)))
        return list(judged), pool.replaced_count


@BOTH_WAYS
@pytest.mark.skipif(sys.platform != "linux", reason="asks the operating system for its threads")
def test_images_of_a_dead_thread_are_scored_by_the_next(inspector: Inspector, limits: PoolLimits) -> None:
    images = [part_png(seed, spot=0.9 * (seed % 2)) for seed in range(6)]
    judged, replaced_count = asyncio.run(judge_all(DyingInspector(inspector, deaths=1), images, limits))
    assert [one.inspection.verdict for one in judged] == [Verdict.PASS, Verdict.FAIL] * 3
    assert replaced_count == 1


@pytest.mark.skipif(sys.platform != "linux", reason="asks the operating system for its threads")
def test_an_image_over_which_threads_die_is_held(inspector: Inspector) -> None:
    dying = DyingInspector(inspector, deaths=100)
    judged, replaced_count = asyncio.run(judge_all(dying, [part_png(1)], PoolLimits()))
    assert (judged[0].inspection.verdict, judged[0].inspection.reason) == (Verdict.HOLD, Reason.INTERNAL)
    assert replaced_count == 2


def test_a_stuck_thread_is_replaced(inspector: Inspector) -> None:
    stuck = WatchedInspector(inspector)
    stuck.gate.clear()

    async def go_on() -> tuple[Judged, Judged]:
        async with ScoringPool(PoolLimits(timeout_s=0.3)) as pool:
            first = await pool.judge(part_png(1), stuck, name="stuck")
            while not pool.replaced_count:
                await asyncio.sleep(0.01)
            return first, await pool.judge(part_png(2), inspector, name="next")

    first, following = asyncio.run(go_on())
    stuck.gate.set()
    assert first.inspection.reason is Reason.TIMED_OUT
    assert following.inspection.verdict is Verdict.PASS


def test_bundles_are_scored_side_by_side_and_never_mixed(inspector: Inspector, tmp_path: Path) -> None:
    dark = np.full((64, 64, 3), 20, np.uint8)
    make_bundle(tmp_path / "dark", expected=dark, golden_pngs=(part_png(1),))
    other = open_bundle(tmp_path / "dark", threads=1)

    async def judge_both() -> list[Judged]:
        async with ScoringPool(PoolLimits(batch_deadline_s=0.05)) as pool:
            pairs = [(part_png(seed), (inspector, other)[seed % 2]) for seed in range(8)]
            return list(await asyncio.gather(*(pool.judge(image, one, name="part") for image, one in pairs)))

    judged = asyncio.run(judge_both())
    assert [one.inspection.bundle_id for one in judged] == [inspector.bundle_id, other.bundle_id] * 4
    assert [one.inspection.verdict for one in judged] == [Verdict.PASS, Verdict.FAIL] * 4
