"""Nights, the golden set and the way back, as a browser and a program meet them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from service.nightly import nights
from service.nightly.course import conclude
from service.nightly.gate.decision import decide
from service.nightly.gate.policy import GatePolicy
from service.nightly.plan import LinePlan, NightPlan
from service.nightly.tables import NightState
from service.nightly.workshop import Workshop
from service.registry.operations import Origin, record_lineage, shelve
from service.settings import read_settings
from tests.bundles import make_bundle
from tests.service.camera import posted, runtime_of
from tests.service.nightly.judged import defective, evidence

STRICT = Thresholds(
    local_score=Limits(pass_limit=0.05, fail_limit=0.24), global_score=Limits(pass_limit=0.06, fail_limit=0.12)
)


@pytest.fixture
def challenger(station: TestClient, tmp_path: Any) -> str:
    """A bundle beside the champion: it holds what is only a little marked."""
    make_bundle(tmp_path / "challenger", thresholds=STRICT)
    return shelve(tmp_path / "challenger", runtime_of(station).shelf.directory)


def night_that_waits(station: TestClient, challenger: str) -> str:
    """As a night leaves it whose challenger has passed the gate."""
    database = runtime_of(station).database
    champion = runtime_of(station).inspector.bundle_id
    night, _ = nights.ask(database, LinePlan(), minutes=None, author="schedule")
    nights.begin(database, night.name)
    report = decide(evidence(*defective(60, gained=3), replay=defective(9)), GatePolicy()).model_dump(mode="json")
    found: dict[str, Any] = {
        "freeze": {"champion_id": champion, "golden_defective_count": 63, "golden_good_count": 300, "upto": 7},
        "screen": {"left_out": {"flagged": 12, "high_score": 3}, "calibration_count": 20, "outlier_count": 1},
        "gate": {"challenger_id": challenger, "report": report},
        "promote": {"state": "awaiting"},
        "report": {
            "new_count": 320, "learned_count": 300, "champion_auroc": 0.95, "challenger_auroc": 0.97,
            "escapes_count": 63, "escapes_champion": 3, "escapes_challenger": 0,
            "overkill_count": 300, "overkill_champion": 0, "overkill_challenger": 0,
        },
    }  # fmt: skip
    for step, figures in found.items():
        nights.begin_step(database, night.id, step)
        nights.end_step(database, night.id, step, figures)
    origin = Origin(challenger, champion, night.name, "0" * 64, 300, "line + small", None, report)
    record_lineage(database, origin)
    conclude_state = conclude(_workshop(station), night.name, found)
    assert conclude_state is NightState.AWAITING
    return night.name


def _workshop(station: TestClient) -> Workshop:
    runtime = runtime_of(station)
    settings = read_settings(data=runtime.shelf.directory.parent)
    return Workshop(settings, NightPlan(), runtime.database, runtime.image_store)


def test_an_engineers_word_promotes_at_once(station: TestClient, challenger: str) -> None:
    name = night_that_waits(station, challenger)
    answer = station.post("/api/v1/nights/words", json={"night": name, "word": "promote", "note": "looks right"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "promoted"
    assert posted(station, "after")["bundle_id"] == challenger
    story = station.get(f"/api/v1/bundles/{challenger}").json()
    assert story["is_champion"]
    assert story["lineage"]["image_count"] == 300
    assert [one["author"] for one in story["promotions"]] == ["Aiko Tanaka"]
    again = station.post("/api/v1/nights/words", json={"night": name, "word": "promote"})
    assert again.status_code == 409


def test_a_promotion_offers_to_move_stations_that_stay_with_a_bundle(station: TestClient, challenger: str) -> None:
    pinned = {"bundle_id": runtime_of(station).inspector.bundle_id}
    station.post("/api/v1/profiles", json={"station": "press-9", "profile": pinned})
    name = night_that_waits(station, challenger)
    before = station.get(f"/nights/{name}").text
    assert "press-9" in before
    assert "Let it follow the champion" not in before
    station.post("/api/v1/nights/words", json={"night": name, "word": "promote"})
    assert "Let it follow the champion" in station.get(f"/nights/{name}").text
    assert posted(station, "there", station="press-9")["bundle_id"] == pinned["bundle_id"]
    station.post("/api/v1/profiles/followings", json={"station": "press-9"})
    assert posted(station, "moved", station="press-9")["bundle_id"] == challenger
    assert "press-9" not in station.get(f"/nights/{name}").text


def test_a_word_against_it_keeps_the_champion(station: TestClient, challenger: str) -> None:
    champion = runtime_of(station).inspector.bundle_id
    name = night_that_waits(station, challenger)
    answer = station.post(
        "/api/v1/nights/words", json={"night": name, "word": "decline", "note": "not before the audit"}
    )
    assert (answer.json()["state"], answer.json()["reason"]) == ("kept", "declined")
    assert runtime_of(station).inspector.bundle_id == champion


def test_a_word_comes_too_late_after_another_promotion(station: TestClient, challenger: str, tmp_path: Any) -> None:
    name = night_that_waits(station, challenger)
    make_bundle(
        tmp_path / "another",
        thresholds=STRICT.model_copy(update={"global_score": Limits(pass_limit=0.05, fail_limit=0.12)}),
    )
    another = shelve(tmp_path / "another", runtime_of(station).shelf.directory)
    assert station.post("/api/v1/bundles/promotions", json={"bundle_id": another}).status_code == 201
    answer = station.post("/api/v1/nights/words", json={"night": name, "word": "promote"})
    assert answer.status_code == 409
    assert runtime_of(station).inspector.bundle_id == another


def test_the_way_back_and_the_parts_judged_meanwhile(station: TestClient, challenger: str) -> None:
    champion = runtime_of(station).inspector.bundle_id
    station.post("/api/v1/bundles/promotions", json={"bundle_id": challenger})
    held = posted(station, "held-now", spot=0.2)
    passed = posted(station, "passes")
    assert (held["verdict"], passed["verdict"]) == ("HOLD", "PASS")
    assert champion in runtime_of(station).shelf.loaded_ids
    back = station.post("/api/v1/bundles/rollbacks", json={"from_id": challenger, "note": "too many held"})
    assert back.status_code == 201, back.text
    assert posted(station, "after")["bundle_id"] == champion
    twice = station.post("/api/v1/bundles/rollbacks", json={"from_id": challenger})
    assert twice.status_code == 409
    rescored = station.post("/api/v1/bundles/rescorings", json={"judged_by": challenger}).json()
    assert rescored == {"rescored_count": 2, "flip_count": 1, "flagged_now_count": 0, "left_count": 0}
    assert station.get(f"/api/v1/inspections/{held['id']}").json()["verdict"] == "HOLD"


def test_parts_that_passed_and_would_be_flagged_wait_for_a_person(station: TestClient, challenger: str) -> None:
    champion = runtime_of(station).inspector.bundle_id
    posted(station, "marked", spot=0.2)
    before = station.get("/api/v1/waiting").json()["waiting"]
    station.post("/api/v1/bundles/promotions", json={"bundle_id": challenger})
    rescored = station.post("/api/v1/bundles/rescorings", json={"judged_by": champion}).json()
    assert (rescored["rescored_count"], rescored["flagged_now_count"]) == (1, 1)
    assert station.get("/api/v1/waiting").json()["waiting"] == before + 1


def test_there_is_no_way_back_from_the_first_champion(station: TestClient) -> None:
    answer = station.post("/api/v1/bundles/rollbacks", json={})
    assert answer.status_code == 409
    assert "there was none before it" in answer.json()["detail"]


def test_golden_parts_by_decision_and_by_word(station: TestClient) -> None:
    part = posted(station, "dent", spot=0.9)
    undecided = station.post("/api/v1/golden", json={"inspection_id": part["id"]})
    assert undecided.status_code == 409
    station.post(
        f"/api/v1/inspections/{part['id']}/dispositions", json={"decision": "confirmed_defect", "defect": "dent"}
    )
    added = station.post("/api/v1/golden", json={"inspection_id": part["id"], "note": "clear"})
    assert added.status_code == 201, added.text
    assert added.json()["defect"] == "dent"
    before = station.get("/api/v1/golden").json()["sha256"]
    station.post("/api/v1/golden", json={"inspection_id": part["id"], "truth": "good"})
    golden = station.get("/api/v1/golden").json()
    assert [one["defect"] for one in golden["items"]] == [None]
    assert golden["sha256"] != before
    left = station.post("/api/v1/golden/removals", json={"inspection_id": part["id"]}).json()
    assert left["items"] == []
    assert station.post("/api/v1/golden/removals", json={"inspection_id": part["id"]}).status_code == 404


def test_pictures_are_kept_out_with_a_reason_and_let_in_again(station: TestClient) -> None:
    part = posted(station, 1)
    out = station.post("/api/v1/kept-out", json={"inspection_id": part["id"], "why": "oil on the lens"}).json()
    assert [one["why"] for one in out["items"]] == ["oil on the lens"]
    body = {"inspection_id": part["id"], "kept_out": False, "why": "it was a shadow"}
    assert station.post("/api/v1/kept-out", json=body).json()["items"] == []
    assert station.post("/api/v1/kept-out", json={"inspection_id": 99, "why": "x"}).status_code == 404


def test_a_night_can_be_asked_for(station: TestClient) -> None:
    asked = station.post("/api/v1/nights", json={"minutes": 5})
    assert asked.status_code == 201, asked.text
    assert asked.json()["state"] == "waiting"
    assert station.post("/api/v1/nights", json={"line": "nowhere"}).status_code == 404
    assert [night["name"] for night in station.get("/api/v1/nights").json()["items"]] == [asked.json()["name"]]


def test_the_pages_tell_of_it(station: TestClient, challenger: str) -> None:
    name = night_that_waits(station, challenger)
    listed = station.get("/nights").text
    assert "A challenger waits for your word:" in listed
    assert "0.950 → 0.970" in listed
    page = station.get(f"/nights/{name}").text
    assert "Shall the challenger judge from now on?" in page
    assert "0 of 63 defective parts escape, 3 with the champion." in page
    assert "among the highest scores" in page
    assert "Where it comes from" in station.get(f"/bundles/{challenger}").text
    assert challenger not in station.get("/bundles").text.partition("On this machine")[0]
    assert "It is empty" in station.get("/golden").text
    assert station.get("/nights/line-1999-01-01", headers={"accept": "text/html"}).status_code == 404


def test_the_pages_speak_japanese(station: TestClient, challenger: str) -> None:
    name = night_that_waits(station, challenger)
    for address in ("/nights", f"/nights/{name}", "/golden", "/bundles", f"/bundles/{challenger}"):
        page = station.get(address, headers={"accept-language": "ja"}).text
        assert '<html lang="ja">' in page
    assert "流出" in page
