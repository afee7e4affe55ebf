"""A night run by DBOS in this process, beside each kind of database; and when a schedule is due."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspection.errors import ConfigError
from service.nightly import nights
from service.nightly.course import STEPS
from service.nightly.cron import next_due
from service.nightly.plan import NightPlan, read_plan
from service.nightly.runner import run_asked_nights
from service.nightly.tables import NightState
from service.nightly.turn import turn_to_run
from tests.service.nightly.plant import Plant


def test_a_night_runs_beside_either_database(either_plant: Plant) -> None:
    workshop = either_plant.workshop()
    asked, _ = nights.ask(either_plant.database, workshop.plan.line(None), minutes=None, author="test")
    night = run_asked_nights(workshop, asked.name)
    assert night.state is NightState.PROMOTED, night.detail
    with either_plant.database.reading() as session:
        assert [step.step for step in nights.find_steps(session, night.id)] == list(STEPS)


def test_only_one_process_has_its_turn(either_plant: Plant) -> None:
    folder = either_plant.root / "nights"
    with turn_to_run(either_plant.database, folder) as first, turn_to_run(either_plant.database, folder) as second:
        assert (first, second) == (True, False)
    with turn_to_run(either_plant.database, folder) as again:
        assert again


def test_a_schedule_is_due_as_cron_has_it() -> None:
    evening = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
    assert next_due("30 22 * * *", evening) == datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
    assert next_due("30 21 * * 1-5", evening) == datetime(2026, 11, 24, 21, 30, tzinfo=UTC)
    assert next_due("0 0 31 2 *", evening) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[lines]]\nschedule = "at night"\n', "lines.0.schedule"),
        ('[[lines]]\nname = "a"\n[[lines]]\nname = "a"\n', "two lines have one name"),
        ("[[lines]]\nminuts = 5\n", "unknown key lines.0.minuts"),
        ("[[lines]]\n[lines.gate]\nescape_margin = 0\n", "lines.0.gate.escape_margin"),
    ],
)
def test_a_faulty_plan_is_refused_by_its_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "nights.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_plan(path)


def test_a_line_is_found_by_name_or_is_the_only_one() -> None:
    plan = NightPlan.model_validate({"lines": [{"name": "a", "stations": ["press-*"]}, {"name": "b"}]})
    assert plan.line("a").covers("press-3")
    assert not plan.line("a").covers("camera-1")
    for name in (None, "c"):
        with pytest.raises(ConfigError, match=r"give .*one of a, b"):
            plan.line(name)
    assert read_plan(None).line(None).covers("anything")
