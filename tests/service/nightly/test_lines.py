"""Lines with champions of their own: a night of one changes nothing at the others, and goes back alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from service.command import app
from service.nightly.plan import NightPlan
from service.nightly.tables import NightState
from service.registry.operations import PLANT, Scopes, find_champion_id, find_previous_id, promote, shelve
from tests.bundles import make_bundle
from tests.service.camera import posted, runtime_of
from tests.service.nightly.plant import Plant
from tests.service.test_problems import assert_problem

PLAN = """
[[lines]]
name = "presses"
stations = ["press-*"]

[[lines]]
name = "mills"
stations = ["mill-*"]
"""


def strict(pass_limit: float) -> Thresholds:
    limits = Limits(pass_limit=pass_limit, fail_limit=0.5)
    return Thresholds(local_score=limits, global_score=limits)


def test_a_line_of_all_stations_is_the_plant() -> None:
    assert NightPlan().lines[0].scope is PLANT
    assert NightPlan().scopes == Scopes()
    plan = NightPlan.model_validate({"lines": [{"name": "presses", "stations": ["press-*"]}, {"name": "rest"}]})
    assert [plan.scopes.of(station) for station in ("press-1", "mill-1")] == ["presses", PLANT]
    assert (plan.scope_of("rest"), plan.scope_of(None), plan.scope_of("presses")) == (PLANT, PLANT, "presses")


def test_the_plants_champion_holds_for_a_line_until_it_has_its_own(plant: Plant) -> None:
    def champions() -> list[str | None]:
        with plant.database.reading() as session:
            return [find_champion_id(session, scope) for scope in (PLANT, "presses")]

    [first, _] = champions()
    assert champions() == [first, first]
    promote(plant.database, "bundle-of-line", author="test", scope="presses")
    assert champions() == [first, "bundle-of-line"]
    with plant.database.reading() as session:
        assert (find_previous_id(session), find_previous_id(session, "presses")) == (None, first)
    promote(plant.database, "bundle-of-all", author="test")
    assert champions() == ["bundle-of-all", "bundle-of-all"]


def test_a_night_of_a_line_promotes_for_that_line(plant: Plant) -> None:
    plant.add_parts(30, station="mill-1")
    lines: list[dict[str, Any]] = [
        {"name": "presses", "stations": ["press-*"]},
        {"name": "mills", "stations": ["mill-*"], "snapshot": {"least_new": 20}},
    ]
    night = plant.run(plant.workshop(*lines), line="presses")
    assert night.state is NightState.PROMOTED, night.detail
    with plant.database.reading() as session:
        champions = [find_champion_id(session, scope) for scope in (PLANT, "presses", "mills")]
    assert champions == [night.champion_id, night.challenger_id, night.champion_id]
    # The other line's night has its own pictures and its own golden set, which is empty here.
    other = plant.run(plant.workshop(*lines), line="mills")
    assert (other.state, other.champion_id) == (NightState.KEPT, night.champion_id)
    assert other.figures["golden_count"] == 0


@pytest.fixture
def two_lines(make_station: Any, tmp_path: Path) -> TestClient:
    (tmp_path / "nights.toml").write_text(PLAN)
    client: TestClient = make_station(nights=tmp_path / "nights.toml")
    return client


def test_each_line_is_judged_by_its_own_and_goes_back_alone(two_lines: TestClient, tmp_path: Path) -> None:
    station, runtime = two_lines, runtime_of(two_lines)
    plant_wide = runtime.inspector.bundle_id
    make_bundle(tmp_path / "own", thresholds=strict(0.05))
    own = shelve(tmp_path / "own", runtime.shelf.directory)
    answer = station.post("/api/v1/bundles/promotions", json={"bundle_id": own, "line": "presses"})
    assert (answer.status_code, answer.json()["line"]) == (201, "presses")
    judged = {name: posted(station, name, station=name)["bundle_id"] for name in ("press-1", "mill-1", "saw-1")}
    assert judged == {"press-1": own, "mill-1": plant_wide, "saw-1": plant_wide}
    page = station.get("/bundles").text
    assert "Champion of presses" in page
    assert "press-*" in page
    back = station.post("/api/v1/bundles/rollbacks", json={"line": "presses", "from_id": own})
    assert (back.status_code, back.json()["bundle_id"], back.json()["line"]) == (201, plant_wide, "presses")
    assert posted(station, "after", station="press-1")["bundle_id"] == plant_wide
    assert_problem(station.post("/api/v1/bundles/rollbacks", json={"line": "saws"}), 404)


def test_a_rollback_loads_nothing_and_says_how_long_it_took(
    station: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = runtime_of(station)
    before = runtime.inspector.bundle_id
    make_bundle(tmp_path / "next", thresholds=strict(0.05))
    following = shelve(tmp_path / "next", runtime.shelf.directory)
    station.post("/api/v1/bundles/promotions", json={"bundle_id": following})

    def never(*_: object) -> None:
        raise AssertionError("a bundle that lies on the shelf was opened again")

    monkeypatch.setattr("service.bundle_shelf.open_to_serve", never)
    monkeypatch.setattr("service.bundle_shelf.BundleShelf._warm_up", never)
    answer = station.post("/api/v1/bundles/rollbacks", json={"from_id": following})
    assert answer.status_code == 201, answer.text
    assert answer.json()["took_ms"] > 0
    assert posted(station, "after")["bundle_id"] == before
    page = station.get("/bundles", params={"took_ms": answer.json()["took_ms"]}).text
    assert "It took" in page


def test_the_command_goes_back_for_one_line_and_says_how_long(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "nights.toml").write_text(PLAN)
    promote(plant.database, "bundle-of-line", author="test", scope="presses")
    where = ["--data", str(plant.settings.data)]
    environment = {"KENSA_NIGHTS": str(tmp_path / "nights.toml")}
    answer = CliRunner().invoke(app, ["bundles", "rollback", "--line", "presses", *where], env=environment)
    assert answer.exit_code == 0, answer.output
    assert " ms; running services judge by it" in answer.output
    with plant.database.reading() as session:
        assert find_champion_id(session, "presses") == find_champion_id(session)
    refused = CliRunner().invoke(app, ["bundles", "rollback", "--line", "saws", *where], env=environment)
    assert refused.exit_code != 0


def test_an_anchor_is_chosen_and_told(station: TestClient, tmp_path: Path) -> None:
    runtime = runtime_of(station)
    first = runtime.inspector.bundle_id
    assert f"Anchor: {first}" in station.get("/bundles").text
    make_bundle(tmp_path / "next", thresholds=strict(0.05))
    following = shelve(tmp_path / "next", runtime.shelf.directory)
    answer = station.post("/api/v1/bundles/anchors", json={"bundle_id": following, "note": "new metal"})
    assert (answer.status_code, answer.json()["author"]) == (201, "Aiko Tanaka")
    assert f"Anchor: {following}" in station.get("/bundles").text
    assert ("anchor", following) in [
        (one["action"], one["subject"]) for one in station.get("/api/v1/audit").json()["items"]
    ]
