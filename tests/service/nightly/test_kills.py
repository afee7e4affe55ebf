"""Nights as processes: killed in every one of their steps without warning, stopped, and several at once."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.nightly import nights
from service.nightly.course import STEPS
from service.nightly.tables import NightState
from tests.service.nightly.plant import FAKE_TRAINER, SMALL, Plant
from tests.service.nightly.stopped_night import NightProcess, start_night


def start(plant: Plant, plan: Path, *words: str, **options: str) -> NightProcess:
    """The nightly command on that plant."""
    url = plant.settings.resolved_database_url.render_as_string(hide_password=False)
    place = ["--data", str(plant.settings.data), "--database-url", url]
    return start_night(plant.root, ["--plan", str(plan), *place, *words], **options)


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


def wait_until(is_so: Callable[[], bool], night: NightProcess) -> None:
    """While the night lives."""
    end = time.monotonic() + 60
    while not is_so():
        assert night.process.is_alive(), night.said.read_text()
        assert time.monotonic() < end, night.said.read_text()
        time.sleep(0.02)


def end_of(night: NightProcess) -> tuple[dict[str, Any], str]:
    """What it answers at last, and what it has said; it must not have failed."""
    status, said = night.wait(), night.said.read_text()
    assert status == 0, said
    answer: dict[str, Any] = json.loads(night.output.read_text().splitlines()[-1])
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


@pytest.mark.timeout(300)
def test_a_night_killed_in_every_step_finishes_each_step_once(either_plant: Plant) -> None:
    plant = either_plant
    # On PostgreSQL what the workflows keep outlives a test: another name is another night.
    plan = write_plan(plant, "killed")
    for step in STEPS:
        night = start(plant, plan, stop_in=step)
        wait_until((plant.root / "standing").exists, night)
        night.kill()
        (plant.root / "standing").unlink()
        assert finished(plant)[step] == 0
    answer, _ = end_of(start(plant, plan))
    assert answer["state"] == "promoted"
    assert finished(plant) == Counter(dict.fromkeys(STEPS, 1))
    with plant.database.reading() as session:
        assert len(nights.find_nights(session)) == 1


def test_killed_beside_its_trainer_it_ends_that_one_before_another_begins(plant: Plant) -> None:
    plan = write_plan(plant)
    night = start(plant, plan, FAKE_WAY="pretrain=wait")
    wait_until((plant.root / "waits").exists, night)
    left_behind = trainer_of(plant)
    night.kill()
    assert is_alive(left_behind)
    answer, said = end_of(start(plant, plan))
    assert answer["state"] == "promoted"
    assert "trainer_left_behind" in said
    assert not is_alive(left_behind)


def test_a_second_start_joins_the_first_and_another_line_waits_its_turn(plant: Plant) -> None:
    plan = write_plan(plant, "line", "other")
    first = start(plant, plan, "--line", "line", FAKE_WAY="pretrain=wait")
    wait_until((plant.root / "waits").exists, first)
    joining, waiting = (start(plant, plan, "--line", line) for line in ("line", "other"))
    wait_until(lambda: "under way already" in joining.said.read_text(), joining)
    wait_until(lambda: "begins" in waiting.said.read_text(), waiting)
    (plant.root / "go").touch()
    answers = [end_of(night)[0] for night in (first, joining, waiting)]
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
    night = start(plant, write_plan(plant), FAKE_WAY="pretrain=wait")
    wait_until((plant.root / "waits").exists, night)
    trainer = trainer_of(plant)
    os.kill(int(night.process.pid or 0), signal.SIGTERM)
    assert night.wait() == 130
    assert not is_alive(trainer)


def _toml(values: object) -> str:
    assert isinstance(values, dict)
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
