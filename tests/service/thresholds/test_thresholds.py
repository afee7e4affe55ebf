"""The threshold page at a real station: what is shown, tried, proposed and applied, and by whom."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from service.audit.tables import AuditRecord
from tests.service.camera import INSPECTIONS, posted, runtime_of
from tests.service.record import Given, record

THRESHOLDS = "/api/v1/thresholds"
LIMITS = {"local_pass": 0.5, "local_fail": 0.8, "global_pass": 0.5, "global_fail": 0.8}
TRIED = {
    "local_score": {"pass_limit": 0.4, "fail_limit": 0.7},
    "global_score": {"pass_limit": 0.05, "fail_limit": 0.2},
}


def fill(client: TestClient, *, count: int = 400) -> list[int]:
    """A station with `count` parts under its own bundle; every part above 0.5 was decided by its score."""
    runtime = runtime_of(client)
    chance = np.random.default_rng(4)
    scores = np.where(chance.random(count) < 0.15, chance.uniform(0.5, 1.0, count), chance.uniform(0.0, 0.45, count))
    given = [Given(float(score), received_at=datetime.now(UTC), part=f"p{n}") for n, score in enumerate(scores)]
    ids = record(runtime.database, given, bundle_id=runtime.inspector.bundle_id)
    for number, score in zip(ids, scores, strict=True):
        if score > 0.5:
            decision = "confirmed_defect" if score > 0.72 else "false_alarm"
            answer = client.post(f"{INSPECTIONS}/{number}/dispositions", json={"decision": decision})
            assert answer.status_code == 201, answer.text
    return ids


def what_if(client: TestClient, **changes: Any) -> Any:
    return client.get(f"{THRESHOLDS}/what-if", params={"station": "press-3", **LIMITS, **changes})


def test_what_limits_would_mean(station: TestClient) -> None:
    fill(station)
    body = what_if(station).json()
    figures = body["figures"]
    assert body["bundle_id"] == runtime_of(station).inspector.bundle_id
    assert figures["escape_rate"]["value"] == 0
    assert figures["escape_rate"]["high"] > 0
    assert 0.05 < figures["held_share"]["value"] < 0.2
    assert 100 < figures["part_count"] < 300
    loose = what_if(station, local_pass=0.9, local_fail=0.95).json()["figures"]
    assert loose["escape_rate"]["value"] > 0.3
    assert loose["held_share"]["value"] < figures["held_share"]["value"]
    assert len(loose["known_escape_ids"]) > 3
    dear = what_if(station, local_pass=0.9, local_fail=0.95, escape_cost=1e6).json()["figures"]
    assert dear["cost_per_shift"]["value"] > loose["cost_per_shift"]["value"]


def test_a_proposal_is_fitted_on_one_half_and_judged_on_the_other(station: TestClient) -> None:
    fill(station)
    body = station.get(f"{THRESHOLDS}/proposal", params={"station": "press-3"}).json()
    assert body["divided_by"] == "part"
    fitted, judged = body["fitted_on"], body["judged_on"]
    assert fitted["part_count"] + judged["part_count"] == 400
    assert body["figures"]["part_count"] == judged["part_count"]
    assert body["figures"]["defect_count"] == judged["defect_count"]
    assert 0.45 < body["thresholds"]["local_score"]["pass_limit"] < 0.75


def test_too_few_confirmed_defects_are_told(station: TestClient) -> None:
    fill(station, count=40)
    answer = station.get(f"{THRESHOLDS}/proposal", params={"station": "press-3"})
    assert answer.status_code == 409
    assert "too few" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"local_pass": 0.9}, 422),
        ({"local_pass": "nan"}, 422),
        ({"escape_cost": -1}, 422),
        ({"review_s": 0}, 422),
        ({"station": "press-9"}, 404),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(station: TestClient, changes: dict[str, Any], status: int) -> None:
    posted(station, 1)
    assert what_if(station, **changes).status_code == status


def test_applied_limits_are_in_force_and_in_the_audit_trail(station: TestClient) -> None:
    posted(station, 1)
    bundle_id = runtime_of(station).inspector.bundle_id
    request = {"station": "press-3", "bundle_id": bundle_id, "based_on": 0, "thresholds": TRIED, "note": "tried"}
    answer = station.post(THRESHOLDS, json=request)
    assert (answer.status_code, answer.json()["version"]) == (201, 1)
    after = posted(station, 2)
    assert after["profile_version"] == 1
    assert after["thresholds"]["local"] == TRIED["local_score"]
    with runtime_of(station).database.reading() as session:
        detail = session.scalars(
            select(AuditRecord.detail).where(AuditRecord.action == "profile").order_by(AuditRecord.sequence.desc())
        ).first()
    told = json.loads(str(detail))
    assert (told["note"], told["profile"]["thresholds"]) == ("tried", TRIED)
    assert station.post(THRESHOLDS, json=request).status_code == 409
    other = {**request, "based_on": 1, "bundle_id": "bundle-0000000000000000"}
    assert station.post(THRESHOLDS, json=other).status_code == 409


def test_the_rest_of_a_profile_stays(station: TestClient) -> None:
    profile = {"hold_band_scale": 2.0, "quality": {"min_sharpness": 2}}
    assert station.post("/api/v1/profiles", json={"station": "press-3", "profile": profile}).status_code == 201
    bundle_id = runtime_of(station).inspector.bundle_id
    request = {"station": "press-3", "bundle_id": bundle_id, "based_on": 1, "thresholds": TRIED}
    assert station.post(THRESHOLDS, json=request).json()["version"] == 2
    newest = station.get("/api/v1/profiles", params={"station": "press-3"}).json()["items"][0]["profile"]
    assert (newest["quality"]["min_sharpness"], newest["hold_band_scale"]) == (2, 1)
    assert runtime_of(station).in_force.plan_of("press-3").inspector.thresholds.model_dump() == TRIED  # type: ignore[union-attr]


def test_the_page_shows_the_fitting_half_and_says_so(station: TestClient) -> None:
    fill(station, count=120)
    page = station.get("/thresholds", params={"station": "press-3"}).text
    rows = [int(count) for count in re.findall(r"</svg><span class=\"row-name\">[^<]*<b>(\d+)</b>", page)]
    fitting = station.get("/thresholds").text
    assert len(rows) == 6
    assert rows[:3] == rows[3:]
    assert 20 < sum(rows[:3]) < 100
    assert "fitting half" in fitting
    assert "No part that passed was drawn by chance" in page


def test_a_station_that_sent_nothing(station: TestClient) -> None:
    assert "No station has sent anything yet" in station.get("/thresholds").text
    assert station.get("/thresholds", params={"station": "nowhere"}).status_code == 404
