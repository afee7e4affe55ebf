"""Reports: metrics.jsonl and TensorBoard say the same, and what is done again is said once."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from tensorboardX.proto.event_pb2 import Event, SessionLog

from pretrain.method import StepLosses
from pretrain.run_directory import RunDirectory
from pretrain.training.reports import Reports
from pretrain.training.schedule import Progress


def losses(total: float) -> StepLosses:
    return StepLosses(torch.tensor(total), {"global": torch.tensor(total / 2)}, 0.5)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def report(run: RunDirectory, first: int, last: int) -> None:
    """Steps `first` to `last`, of half a second each, from a checkpoint before the first."""
    with Reports(run, Progress(first - 1, (first - 1) / 2), 8) as reports:
        for step in range(first, last + 1):
            reports.step(losses(100.0 - step), Progress(step, step / 2), is_last=step == 40)


def metrics(run: RunDirectory) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run.root / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def events(path: Path) -> list[Event]:
    """Records of an event file: length, its checksum, the event, its checksum."""
    content, found = path.read_bytes(), []
    while content:
        (length,) = struct.unpack_from("<Q", content)
        found.append(Event.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return found


def test_the_first_every_tenth_and_the_last_step_are_reported(run: RunDirectory) -> None:
    report(run, 1, 40)
    assert [line["step"] for line in metrics(run)] == [1, 10, 20, 30, 40]
    assert metrics(run)[1] == {
        "step": 10, "elapsed_s": 5.0, "loss": 90.0, "global": 45.0, "spread": 0.5, "images_per_s": 16.0,
    }  # fmt: skip
    assert run.last_metrics()["step"] == 40


def test_tensorboard_is_told_the_same(run: RunDirectory) -> None:
    report(run, 1, 25)
    (file,) = run.events_folder.iterdir()
    version, started, *reported = events(file)
    assert version.file_version == "brain.Event:2"
    assert (started.step, started.session_log.status) == (0, SessionLog.START)
    assert [event.step for event in reported] == [1, 10, 20]
    for event, line in zip(reported, metrics(run), strict=True):
        values = {value.tag: value.simple_value for value in event.summary.value}
        assert values == pytest.approx({name: line[name] for name in ("loss", "global", "spread", "images_per_s")})


def test_steps_done_again_after_a_kill_are_reported_once(run: RunDirectory) -> None:
    report(run, 1, 34)
    with (run.root / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 35, "loss": 1')
    # The checkpoint stood at step 15.
    report(run, 16, 40)
    assert [line["step"] for line in metrics(run)] == [1, 10, 20, 30, 40]
    starts = sorted(events(path)[1].step for path in run.events_folder.iterdir())
    # TensorBoard drops what it has read of steps from 15 on.
    assert starts == [0, 15]


def test_a_kill_before_the_first_checkpoint_forgets_all(run: RunDirectory) -> None:
    report(run, 1, 20)
    report(run, 1, 10)
    assert [line["step"] for line in metrics(run)] == [1, 10]


def test_the_note_names_every_loss(run: RunDirectory) -> None:
    with Reports(run, Progress(), 8) as reports:
        reports.step(losses(3.0), Progress(1, 0.5), is_last=False)
    assert reports.note == "step 1  loss 3.000  global 1.500  16 images/s"
