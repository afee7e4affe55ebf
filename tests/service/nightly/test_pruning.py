"""Old nights leave the disk, and nothing that anybody could come back to does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from service.audit.operations import find_page
from service.command import app
from service.nightly import nights
from service.nightly.pruning import Removal, prune
from service.nightly.tables import Night, NightState, Reason
from service.registry.operations import choose_anchor, find_champion_id, promote, roll_back, shelve
from tests.bundles import make_bundle
from tests.service.nightly.plant import Plant


@pytest.fixture
def bundles(plant: Plant) -> list[str]:
    """Four bundles, each of a night of its own, forty days old; nothing is promoted yet."""
    made = []
    for number in range(4):
        limits = Limits(pass_limit=0.1 + number / 100, fail_limit=0.3)
        path = plant.root / f"old-{number}"
        make_bundle(path, thresholds=Thresholds(local_score=limits, global_score=limits))
        made.append(shelve(path, plant.settings.bundle_directory))
        add_night(plant, f"old-{number}", made[-1])
    return made


def add_night(plant: Plant, name: str, challenger_id: str | None, state: NightState = NightState.KEPT) -> None:
    line = plant.workshop().plan.line(None)
    night, _ = nights.ask(plant.database, line, minutes=None, author="test")
    with plant.database.writing() as session:
        long_ago = datetime.now(UTC) - timedelta(days=40)
        values = {"name": name, "challenger_id": challenger_id, "state": state, "ended_at": long_ago}
        session.execute(update(Night).where(Night.id == night.id).values(**values, reason=Reason.GATE_FAILED))
    folder = plant.workshop().nights_folder / name
    for part in ("teacher", "challenger"):
        (folder / part).mkdir(parents=True)
        (folder / part / "weights").write_bytes(b"0" * 1000)
    (folder / "selection.json").write_text("{}")


def gone(removals: list[Removal], plant: Plant) -> list[str]:
    root = plant.settings.data
    return sorted(str(one.path.relative_to(root)) for one in removals)


def test_what_judges_and_what_judged_before_stay(plant: Plant, bundles: list[str]) -> None:
    for one in bundles[:3]:
        promote(plant.database, one, author="test")
    removals = prune(plant.workshop(), author="test")
    # The first of them has judged: its pictures stay on the list, since its lineage names them.
    assert gone(removals, plant) == [
        f"bundles/{bundles[3]}",
        "nights/old-0/challenger",
        "nights/old-0/teacher",
        "nights/old-3",
    ]
    nights_folder = plant.workshop().nights_folder
    assert (nights_folder / "old-0" / "selection.json").is_file()
    assert [(nights_folder / f"old-{n}" / "teacher").is_dir() for n in range(4)] == [False, True, True, False]
    assert all((plant.settings.bundle_directory / one).is_dir() for one in bundles[:3])
    assert sum(one.size_bytes for one in removals if one.path.name != bundles[3]) > 4000
    assert find_page(plant.database, below=None, limit=1)[0].action == "nights_pruned"
    assert roll_back(plant.database, author="test").bundle_id == bundles[1]
    # Whoever was left by it is no way back any more.
    assert gone(prune(plant.workshop(), author="test"), plant) == ["nights/old-2/challenger", "nights/old-2/teacher"]


def test_an_anchor_and_what_waits_for_a_word_stay(plant: Plant, bundles: list[str]) -> None:
    choose_anchor(plant.database, bundles[0], author="test")
    with plant.database.writing() as session:
        session.execute(update(Night).where(Night.challenger_id == bundles[1]).values(state=NightState.AWAITING))
    assert [path for path in gone(prune(plant.workshop(), author="test"), plant) if path.startswith("nights")] == [
        "nights/old-2",
        "nights/old-3",
    ]


def test_the_champion_of_a_line_stays(plant: Plant, bundles: list[str]) -> None:
    promote(plant.database, bundles[2], author="test", scope="flanges")
    with plant.database.reading() as session:
        assert find_champion_id(session) != find_champion_id(session, "flanges") == bundles[2]
    prune(plant.workshop(), author="test")
    assert (plant.workshop().nights_folder / "old-2" / "teacher").is_dir()


def test_young_nights_stay_and_a_dry_run_removes_nothing(plant: Plant, bundles: list[str]) -> None:
    assert prune(plant.workshop(), author="test", days=60) == []
    removals = prune(plant.workshop(), author="test", is_dry=True)
    assert len(removals) == 8
    assert all(one.path.is_dir() for one in removals)


def test_the_command_says_what_would_go(plant: Plant, bundles: list[str], tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["nights", "prune", "--dry-run", "--data", str(plant.settings.data)])
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout.strip().splitlines()[-1])
    assert (figures["folders"], figures["dry_run"]) == (8, True)
    assert (plant.workshop().nights_folder / "old-0").is_dir()
