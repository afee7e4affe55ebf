"""Golden parts by chance: every part of the line has the same, whatever a model said of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from typer.testing import CliRunner

from inspection.images.digest import sha256_of_bytes
from inspection.verdict import Verdict
from service.command import app
from service.db.tables import StoredInspection
from service.nightly import golden
from service.nightly.golden_draw import NOTE, choose_alike, draw_golden
from service.review.operations import Decision
from service.review.operations import decide as decide_on
from service.review.schemas import DispositionRequest
from service.spot_checks.operations import JudgedPart
from service.spot_checks.tables import DrawnFrom, SpotCheck
from tests.service.camera import posted
from tests.service.nightly.plant import Plant

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def judged(number: int, verdict: Verdict, probability: float) -> JudgedPart:
    return JudgedPart(
        inspection_id=number, station="press-3", lot=None, bundle_id=None, verdict=verdict, local_score=0.1,
        global_score=0.1, part_score=0.5, image_sha256=sha256_of_bytes(str(number).encode()), received_at=NOW,
        decision=Decision.FALSE_ALARM, defect=None, decided_at=NOW, is_blind=True, is_settled=True,
        probability=probability,
    )  # fmt: skip


def test_flagged_parts_are_thinned_to_the_rate_of_spot_checks() -> None:
    flagged = [judged(number, Verdict.HOLD, 1.0) for number in range(4000)]
    passed = [judged(number, Verdict.PASS, 0.1) for number in range(4000, 4800)]
    chosen = choose_alike([*flagged, *passed])
    assert [part for part in chosen if part.verdict is Verdict.PASS] == passed
    # A tenth of 4000: within five standard deviations.
    assert sum(part.verdict is Verdict.HOLD for part in chosen) == pytest.approx(400, abs=95)
    assert choose_alike([*flagged, *passed]) == chosen


def test_the_rarest_draw_sets_the_rate_for_all() -> None:
    often = [judged(number, Verdict.PASS, 0.5) for number in range(1000)]
    chosen = choose_alike([*often, judged(1000, Verdict.PASS, 0.05)])
    assert judged(1000, Verdict.PASS, 0.05) in chosen
    assert len(chosen) == pytest.approx(101, abs=48)


def test_flagged_parts_alone_are_no_sample() -> None:
    assert choose_alike([judged(number, Verdict.FAIL, 1.0) for number in range(50)]) == []


def decide(plant: Plant, number: int, decision: str) -> None:
    decide_on(plant.database, number, DispositionRequest(decision=Decision(decision)), reviewer="kato")


def draw_all(plant: Plant, numbers: list[int]) -> None:
    with plant.database.writing() as session:
        for number in numbers:
            session.add(SpotCheck(inspection_id=number, drawn_from=DrawnFrom.PASSED, probability=1.0, drawn_at=NOW))


def images_of(plant: Plant, numbers: list[int]) -> set[str]:
    with plant.database.reading() as session:
        rows = session.scalars(select(StoredInspection.image_sha256).where(StoredInspection.id.in_(numbers)))
        return {str(image) for image in rows}


def test_decided_draws_join_once_and_what_was_taken_out_stays_out(plant: Plant) -> None:
    passed, flagged = plant.add_parts(4), plant.add_parts(2, spot=0.9)
    elsewhere = plant.add_parts(1, station="oven-1")
    draw_all(plant, [*passed, *elsewhere])
    for number in [*passed[:3], *elsewhere]:
        decide(plant, number, "false_alarm")
    decide(plant, flagged[0], "confirmed_defect")
    line = plant.workshop({"stations": ["press-*"]}).plan.line(None)
    added = draw_golden(plant.database, line, author="night x")
    assert {part.image for part in added} == images_of(plant, [*passed[:3], flagged[0]])
    assert {(part.author, part.note) for part in added} == {("night x", NOTE)}
    assert [part.defect for part in added if part.defect] == [golden.UNNAMED]
    golden.remove(plant.database, passed[0], author="kato", note="blurred")
    assert draw_golden(plant.database, line, author="night y") == []
    decide(plant, passed[3], "false_alarm")
    assert [part.inspection_id for part in draw_golden(plant.database, line, author="night y")] == [passed[3]]


def test_a_night_lets_them_join_where_its_plan_says_so(plant: Plant) -> None:
    passed = plant.add_parts(30)
    draw_all(plant, passed[:5])
    for number in passed[:5]:
        decide(plant, number, "false_alarm")
    quiet = plant.run(plant.workshop(), line=None)
    assert quiet.figures["golden_count"] == 24
    plant.add_parts(30, lot="L-2")
    drawing = plant.run(plant.workshop({"snapshot": {"least_new": 20, "draws_golden": True}}))
    assert drawing.figures["golden_count"] == 29


def test_the_command_says_what_joined(plant: Plant) -> None:
    passed = plant.add_parts(3)
    draw_all(plant, passed)
    words = ["golden", "draw", "--data", str(Path(plant.settings.data)), "--author", "kato"]
    none = CliRunner().invoke(app, words)
    assert "nothing new" in none.output
    for number in passed:
        decide(plant, number, "false_alarm")
    answer = CliRunner().invoke(app, words)
    assert json.loads(answer.stdout.strip().splitlines()[-1]) == {
        "line": "line", "added": 3, "defective": 0, "good": 3
    }  # fmt: skip


def test_the_page_says_where_many_good_parts_were_chosen_by_a_model(station: TestClient) -> None:
    # Triggers of different lengths: another picture each.
    for number in range(1, 4):
        add_good(station, "t" * number, spot=0.9 if number == 1 else 0.0)
    assert station.get("/api/v1/golden").json()["flagged_good_count"] == 1
    assert "1 of 3 good parts had been flagged when they came." in station.get("/golden").text
    add_good(station, "t" * 4)
    assert "had been flagged when they came" not in station.get("/golden").text


def add_good(station: TestClient, trigger: str, *, spot: float = 0.0) -> None:
    part = posted(station, trigger, spot=spot)
    station.post("/api/v1/golden", json={"inspection_id": part["id"], "truth": "good"})
