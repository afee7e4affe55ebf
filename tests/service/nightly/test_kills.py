"""Nights as processes: killed in every one of their steps without warning, stopped, and several at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from service.nightly import nights
from service.nightly.course import STEPS
from service.nightly.tables import NightState
from tests.service.nightly.plant import FAKE_TRAINER, SMALL, Plant

ROOT = Path(__file__).resolve().parents[3]
STOPPED_NIGHT = Path(__file__).with_name("stopped_night.py")
NOWHERE = "nowhere"


def write_plan(plant: Plant, *names: str) -> Path:
    """The small plan as TOML, a line for each name."""
    lines = [
        f'[[lines]]\nname = "{name}"\n'
        + "\n".join(f"[lines.{section}]\n" + _toml(values) for section, values in SMALL.items())
        + f'\n[lines.training]\npython = ["{sys.executable}", "{FAKE_TRAINER}"]\n'
        for name in names or ("line",)
    ]
    path = plant.root / "nights.toml"
    path.write_text("\n".join(lines))
    return path


def start(plant: Plant, plan: Path, stop_in: str, *words: str, **environment: str) -> subprocess.Popen[str]:
    """The nightly command as a process of its own."""
    command = [sys.executable, str(STOPPED_NIGHT), stop_in, "nightly", "--now", "--plan", str(plan)]
    return subprocess.Popen(
        [*command, "--data", str(plant.settings.data), *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KENSA_DISK_RESERVE_MB": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path, child: subprocess.Popen[str]) -> None:
    """Until the file is there."""
    end = time.monotonic() + 60
    while not path.exists():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.02)


def kill(child: subprocess.Popen[str]) -> None:
    """As a power cut would."""
    child.send_signal(signal.SIGKILL)
    child.communicate()


def end_of(child: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """What it answers at last, and what it has said; it must not have failed."""
    output, said = child.communicate(timeout=90)
    assert child.returncode == 0, said
    answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    return answer, said


def trainer_of(plant: Plant) -> int:
    """The process that pretrains."""
    mark = next((plant.settings.data / "nights").glob("*/pretrain.pid"))
    return int(mark.read_text().split()[0])


def is_alive(pid: int) -> bool:
    """Neither gone nor only remains."""
    command = Path(f"/proc/{pid}/cmdline")
    return command.exists() and command.read_bytes() != b""


def finished(plant: Plant) -> Counter[str]:
    path = plant.root / "steps.txt"
    return Counter(path.read_text().split() if path.exists() else [])


def test_a_night_killed_in_every_step_finishes_each_step_once(plant: Plant) -> None:
    plan = write_plan(plant)
    for step in STEPS:
        child = start(plant, plan, step)
        wait_for(plant.root / "standing", child)
        kill(child)
        (plant.root / "standing").unlink()
        assert finished(plant)[step] == 0
    answer, _ = end_of(start(plant, plan, NOWHERE))
    assert answer["state"] == "promoted"
    assert finished(plant) == Counter(dict.fromkeys(STEPS, 1))
    with plant.database.reading() as session:
        assert len(nights.find_nights(session)) == 1


def test_killed_beside_its_trainer_it_ends_that_one_before_another_begins(plant: Plant) -> None:
    plan = write_plan(plant)
    child = start(plant, plan, NOWHERE, FAKE_WAY="pretrain=wait")
    wait_for(plant.root / "waits", child)
    left_behind = trainer_of(plant)
    kill(child)
    assert is_alive(left_behind)
    answer, said = end_of(start(plant, plan, NOWHERE))
    assert answer["state"] == "promoted"
    assert "trainer_left_behind" in said
    assert not is_alive(left_behind)


def test_a_second_start_joins_the_first_and_another_line_waits_its_turn(plant: Plant) -> None:
    plan = write_plan(plant, "line", "other")
    first = start(plant, plan, NOWHERE, "--line", "line", FAKE_WAY="pretrain=wait")
    wait_for(plant.root / "waits", first)
    joining = start(plant, plan, NOWHERE, "--line", "line")
    waiting = start(plant, plan, NOWHERE, "--line", "other")
    assert joining.stderr is not None
    assert waiting.stderr is not None
    assert "under way already" in joining.stderr.readline()
    assert "begins" in waiting.stderr.readline()
    (plant.root / "go").touch()
    answers = [end_of(child)[0] for child in (first, joining, waiting)]
    assert answers[0] == answers[1]
    assert answers[2]["night"] != answers[0]["night"]
    assert finished(plant) == Counter(dict.fromkeys(STEPS, 2))
    with plant.database.reading() as session:
        one, other = sorted(nights.find_nights(session), key=lambda night: night.id)
        spans = [
            (step.began_at, step.ended_at) for night in (one, other) for step in nights.find_steps(session, night.id)
        ]
    # Never two at the trainer.
    assert spans == sorted(spans)
    assert other.state in (NightState.PROMOTED, NightState.KEPT)


def test_a_stopped_night_takes_its_trainer_along(plant: Plant) -> None:
    child = start(plant, write_plan(plant), NOWHERE, FAKE_WAY="pretrain=wait")
    wait_for(plant.root / "waits", child)
    trainer = trainer_of(plant)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=30)
    assert child.returncode == 130
    assert not is_alive(trainer)


def _toml(values: object) -> str:
    assert isinstance(values, dict)
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
