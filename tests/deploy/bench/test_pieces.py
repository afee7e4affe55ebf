"""The pieces of the service's benchmark: its pictures, its cameras, its measures of memory."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from deploy.bench.bare import measure as measure_bare
from deploy.bench.cameras import Cameras, Outcome, Pictures, Task
from deploy.bench.measure import Bare, Level, Measured
from deploy.bench.pictures import SIDE_PX, PictureSource
from deploy.bench.watched import Watched, growth
from inspection.images.decode import decode_image
from tests.bundles import make_bundle
from tests.service.camera_side.recorder import Record, answering


def load(record: Record, **options: Any) -> Outcome:
    with answering(record) as port:
        task = Task(address=f"http://127.0.0.1:{port}", series="t", seconds=30, picture_count=4, **options)
        return asyncio.run(Cameras(task).work())


def level(connections: int, images_per_s: float, cpu_ms: float) -> Level:
    return Level(connections, images_per_s, 1.0, 2.0, 3.0, cpu_ms, {"201": 1}, {"PASS": 1})


def test_pictures_are_those_of_the_issue() -> None:
    source = PictureSource(3)
    made = [source.next() for _ in range(20)]
    assert len(set(made)) == 20
    assert 27_000 < sum(map(len, made)) / len(made) < 33_000
    assert decode_image(made[0]).shape == (SIDE_PX, SIDE_PX, 3)


def test_pictures_used_again_are_other_files_with_the_same_pixels() -> None:
    pictures = Pictures("series", 16)
    made = [pictures.next() for _ in range(40)]
    assert len({trigger for trigger, _ in made}) == 40
    assert len({picture for _, picture in made}) == 40
    assert (decode_image(made[0][1]) == decode_image(made[16][1])).all()


def test_cameras_post_as_often_as_told() -> None:
    record = Record()
    outcome = load(record, connections=3, limit=11)
    assert (outcome.acknowledged, outcome.statuses, outcome.verdicts) == (11, {"201": 11}, {"PASS": 11})
    assert len(record.images) == 11
    assert 0 < outcome.p50_ms <= outcome.p95_ms <= outcome.p99_ms


def test_what_is_not_acknowledged_is_not_counted() -> None:
    outcome = load(Record(status_for_all=503), connections=2, limit=5)
    assert (outcome.acknowledged, outcome.statuses, outcome.verdicts) == (0, {"503": 5}, {})


def test_a_pace_is_kept_whatever_the_connections() -> None:
    outcome = load(Record(), connections=8, limit=20, images_per_s=200.0)
    assert outcome.acknowledged == 20
    # Twenty posts, due half to one and a half times 5 ms apart.
    assert outcome.elapsed_s > 20 * 0.005 / 2


def test_the_bare_loop_is_measured_in_its_fastest_way(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("bare") / "bundle"
    make_bundle(directory)
    found = measure_bare(directory, 0.4)
    assert found["images_per_s"] > 0
    assert found["cpu_ms_per_image"] > 0


def test_cpu_time_of_a_process_and_its_children_is_seen() -> None:
    inner = "import time; [None for _ in iter(lambda: time.process_time() < 0.3, False)]; print(flush=True); input()"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    child = subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    with Watched(child.pid) as watched:
        child.stdout.readline()
        seen_s = watched.cpu_s()
    child.communicate(b"\n")
    # The system counts in ticks, the process in nanoseconds.
    assert seen_s >= 0.25
    assert Watched(os.getpid()).cpu_s() > 0


def test_the_kernels_clock_of_a_process_is_read() -> None:
    mine = Watched(os.getpid())
    before_s, own_s = mine.precise_cpu_s(), time.process_time()
    while time.process_time() < own_s + 0.02:
        pass
    assert mine.precise_cpu_s() - before_s >= 0.015
    assert mine.precise_cpu_s() == pytest.approx(time.process_time(), abs=0.5)


def test_growth_is_that_after_the_warm_up() -> None:
    assert growth([10] * 10 + [100] * 90) == 0
    assert growth([100] * 50 + [110] * 50) == pytest.approx(0.1)
    assert growth([]) == 0


def test_the_line_for_scripts_has_the_agreed_keys() -> None:
    measured = Measured(Bare(200.0, 5.0), [level(1, 50.0, 8.0), level(16, 150.0, 6.25), level(64, 140.0, 6.0)])
    measured.steady, measured.acknowledged, measured.stored = level(32, 105.0, 6.5), 900, 900
    keys = "images_per_s bare_images_per_s ratio p50_ms p95_ms p99_ms acknowledged stored rss_growth"
    figures = measured.figures()
    assert list(figures) == keys.split()
    assert (figures["images_per_s"], figures["ratio"], figures["p99_ms"]) == (150.0, 0.8, 3.0)
