"""Challenge parts at a real station: it holds everything until they were judged rightly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from service.audit.tables import AuditRecord
from service.challenge.tables import ChallengePart
from service.tallies.operations import read
from service.watch import Watch
from tests.service.camera import post, posted, runtime_of

CHALLENGES = "/api/v1/challenges"


def register(client: TestClient, part: str, expectation: str, *, station: str = "press-3") -> int:
    body = {"station": station, "part_id": part, "expectation": expectation}
    answer = client.post(f"{CHALLENGES}/parts", json=body)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


def act(client: TestClient, kind: str, *, station: str = "press-3") -> Any:
    return client.post(f"{CHALLENGES}/acts", json={"station": station, "kind": kind, "note": "tried it"})


def challenged(client: TestClient) -> TestClient:
    """A station whose two challenge parts are due now, as if a shift had begun."""
    register(client, "good", "pass")
    register(client, "bad", "flagged")
    assert act(client, "repeat").status_code == 201
    return client


def standing(client: TestClient) -> str:
    [station] = client.get(CHALLENGES).json()["stations"]
    found: str = station["standing"]
    return found


def audited(client: TestClient) -> list[tuple[str, dict[str, Any]]]:
    with runtime_of(client).database.reading() as session:
        rows = session.scalars(select(AuditRecord).where(AuditRecord.action.like("challenge%")).order_by("sequence"))
        return [(row.action, json.loads(row.detail)) for row in rows]


def test_a_station_holds_everything_until_all_were_judged_rightly(station: TestClient) -> None:
    assert posted(station, 1)["verdict"] == "PASS"
    challenged(station)
    held = posted(station, 2)
    assert (held["verdict"], held["reason"]) == ("HOLD", "challenge_due")
    assert "good" in held["detail"]
    assert held["local_score"] is not None
    failing = posted(station, 3, spot=0.9)
    assert (failing["verdict"], failing["reason"]) == ("HOLD", "challenge_due")
    assert posted(station, 4, part_id="good")["verdict"] == "PASS"
    assert posted(station, 5)["reason"] == "challenge_due"
    assert posted(station, 6, part_id="bad", spot=0.9)["verdict"] == "FAIL"
    assert standing(station) == "passed"
    assert posted(station, 7)["verdict"] == "PASS"
    assert posted(station, 8, station="press-4")["verdict"] == "PASS"


def test_a_wrong_verdict_shuts_the_station_until_an_engineer_acts(station: TestClient) -> None:
    challenged(station)
    posted(station, 1, part_id="good")
    assert posted(station, 2, part_id="bad")["verdict"] == "PASS"
    held = posted(station, 3)
    assert (held["verdict"], held["reason"]) == ("HOLD", "challenge_failed")
    assert posted(station, 4, part_id="bad", spot=0.9)["verdict"] == "FAIL"
    assert posted(station, 5)["reason"] == "challenge_failed"
    station.portal.call(Watch(runtime_of(station), 1.0).look)  # type: ignore[union-attr]
    [alarm] = station.get("/health").json()["alarms"]
    assert (alarm["name"], alarm["detail"]) == ("challenge_failed", "press-3: bad")
    assert act(station, "release").status_code == 201
    assert posted(station, 6)["verdict"] == "PASS"
    station.portal.call(Watch(runtime_of(station), 1.0).look)  # type: ignore[union-attr]
    assert station.get("/health").json()["alarms"] == []
    kinds = [action for action, _ in audited(station)]
    assert kinds.count("challenge_result") == 3
    assert [detail["kind"] for action, detail in audited(station) if action == "challenge_act"] == ["repeat", "release"]


def test_an_image_that_could_not_be_judged_proves_nothing(station: TestClient) -> None:
    challenged(station)
    answer = post(station, 1, b"no image", part_id="bad").json()
    assert answer["verdict"] == "HOLD"
    assert standing(station) == "failed"


def test_challenge_parts_are_no_production(station: TestClient) -> None:
    challenged(station)
    bad = posted(station, 1, part_id="bad", spot=0.9)
    posted(station, 2, spot=0.9)
    assert station.get("/api/v1/summary").json()["undecided"] == 1
    assert f"/review/{bad['id']}" not in station.get("/review").text
    now = datetime.now(UTC)
    with runtime_of(station).database.reading() as session:
        items = read(session, now - timedelta(days=1), now + timedelta(days=1)).items
    assert sum(counts.total for _, counts in items) == 1


def test_a_new_shift_asks_again_and_a_restart_forgets_nothing(station: TestClient) -> None:
    challenged(station)
    posted(station, 1, part_id="good")
    posted(station, 2, part_id="bad", spot=0.9)
    gate = runtime_of(station).challenge
    now = datetime.now(UTC)
    assert gate.shut("press-3", "any", now) is None
    later = gate.shut("press-3", "any", runtime_of(station).shifts.at(now).end)
    assert later is not None
    assert later.reason.value == "challenge_due"
    station.portal.call(gate.refresh)  # type: ignore[union-attr]
    assert gate.shut("press-3", "any", now) is None


def test_a_registered_part_waits_for_the_next_shift(station: TestClient) -> None:
    register(station, "good", "pass")
    assert standing(station) == "none"
    assert posted(station, 1)["verdict"] == "PASS"
    with runtime_of(station).database.writing() as session:
        session.execute(update(ChallengePart).values(registered_at=datetime.now(UTC) - timedelta(days=2)))
    station.portal.call(runtime_of(station).challenge.refresh)  # type: ignore[union-attr]
    assert posted(station, 2)["reason"] == "challenge_due"


def test_a_retired_part_is_asked_for_no_more(station: TestClient) -> None:
    challenged(station)
    posted(station, 1, part_id="good")
    [bad] = [part for part in station.get(CHALLENGES).json()["stations"][0]["parts"] if part["part_id"] == "bad"]
    assert station.post(f"{CHALLENGES}/retirements", json={"challenge_part_id": bad["id"]}).status_code == 201
    again = station.post(f"{CHALLENGES}/retirements", json={"challenge_part_id": bad["id"]})
    assert again.status_code == 409
    assert posted(station, 2)["verdict"] == "PASS"
    assert posted(station, 3, part_id="bad", spot=0.9)["verdict"] == "FAIL"
    assert station.get("/api/v1/summary").json()["undecided"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("parts", {"station": "press-3", "part_id": "good", "expectation": "pass"}, 409),
        ("parts", {"station": "press-3", "part_id": "x", "expectation": "maybe"}, 422),
        ("retirements", {"challenge_part_id": 99}, 404),
        ("acts", {"station": "press-7", "kind": "release", "note": "x"}, 404),
        ("acts", {"station": "press-3", "kind": "release"}, 422),
    ],
)
def test_what_is_refused(station: TestClient, path: str, body: dict[str, Any], status: int) -> None:
    register(station, "good", "pass")
    assert station.post(f"{CHALLENGES}/{path}", json=body).status_code == status
    assert len(audited(station)) == 1


def test_the_page_shows_how_every_station_stands(station: TestClient) -> None:
    challenged(station)
    posted(station, 1, part_id="bad")
    page = station.get("/challenge").text
    assert "challenge failed" in page
    assert "Judged wrongly: bad" in page
    assert 'data-post="/api/v1/challenges/acts"' in page
