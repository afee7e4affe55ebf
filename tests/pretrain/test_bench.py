"""`python -m pretrain bench`: three throughputs of one run, and what more processes bring."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from inspection.errors import TrainingError
from pretrain.__main__ import app
from pretrain.bench import scaling
from pretrain.bench.throughput import Throughput
from tests.pretrain.command_line import call
from tests.pretrain.tiny import RECIPE_TOML


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE_TOML, encoding="utf-8")
    return path


def test_the_benchmark_prints_three_throughputs_of_one_run(
    recipe: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = call(app, capsys, monkeypatch, "bench", recipe, "--batch", "2", "--seconds", "0.1")
    assert answer.status == 0
    figures = answer.figures
    assert figures["recipe"] == "tiny"
    assert figures["batch_size"] == 2
    assert figures["rounds"] >= 2
    rates = [figures[f"{kind}_images_per_s"] for kind in ("full_step", "device_step", "forward_backward")]
    assert all(rate > 0 for rate in rates)
    assert figures["ratio"] == pytest.approx(rates[0] / rates[1], rel=0.01)
    assert "scaling" not in figures


def test_the_ratio_is_what_the_full_step_keeps() -> None:
    assert Throughput(90.0, 100.0, 400.0, 3).ratio == 0.9


def test_scaling_compares_the_same_and_a_doubled_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def answer(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        count = int(command[command.index("--nproc-per-node") + 1])
        size = int(command[command.index("--batch") + 1])
        asked.append((count, size))
        rate = {(1, 8): 10.0, (2, 8): 16.0, (2, 16): 18.0}[count, size]
        return subprocess.CompletedProcess(
            command, 0, "table\n" + json.dumps({"full_step_images_per_s": rate}) + "\n", ""
        )

    monkeypatch.setattr(scaling.subprocess, "run", answer)
    figures = scaling.measure_scaling("demo", 8, 1.0, 2).figures()
    assert asked == [(1, 8), (2, 8), (2, 16)]
    assert figures == {
        "processes": 2,
        "one_process_images_per_s": 10.0,
        "same_batch_images_per_s": 16.0,
        "doubled_batch_images_per_s": 18.0,
        "same_batch_speedup": 1.6,
        "doubled_batch_speedup": 1.8,
    }


def test_a_benchmark_that_fails_under_torchrun_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        told = "error: process 2 of this machine has no GPU of its own: give --nproc-per-node 1 to torchrun\nTraceback"
        return subprocess.CompletedProcess(command, 1, "", told)

    monkeypatch.setattr(scaling.subprocess, "run", fail)
    with pytest.raises(TrainingError, match="with 1 processes failed: process 2 of this machine has no GPU"):
        scaling.measure_scaling("demo", 8, 1.0, 2)


def test_a_batch_the_recipe_does_not_take_is_one_line(
    recipe: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = call(app, capsys, monkeypatch, "bench", recipe, "--batch", "64", "--seconds", "0.1")
    assert answer.status == 2
    assert "queue_length 32 is shorter than optimisation.batch_size 64" in answer.error
