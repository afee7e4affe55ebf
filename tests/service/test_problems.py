"""One problem body, over every route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from service.app import ROUTERS
from service.web.problems import PROBLEM_TYPE, Problem
from tests.bundles import part_png
from tests.service.camera import INSPECTIONS, PARTS, fields_of, runtime_of, stored_count, stored_files
from tests.service.conftest import MakeStation

MB = 2**20
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
# The way to a provider of single sign-on is not there until a plant names one.
SIGN_ON = {"/sign-in/oidc", "/sign-in/oidc/return"}
WITHOUT_RUNTIME = {"/health/live", "/language/ja", "/charts/plotly.min.js"} | SIGN_ON
# Announcements are taken where a plant told of a secret for them.
WITHOUT_DATABASE = WITHOUT_RUNTIME | {"/health/ready", "/metrics", "/api/v1/announcements"}
BODIES = {
    f"{INSPECTIONS}/{{inspection_id}}/dispositions": {"decision": "unclear"},
    f"{INSPECTIONS}/{{inspection_id}}/lease": {},
    "/api/v1/announcements": {"station": "press-3", "lot": "L1"},
    "/api/v1/session": {"name": "Aiko", "password": "not her password"},
    "/api/v1/session/link": {"token": "none"},
    "/api/v1/session/password": {"old_password": "not her password", "new_password": "nine blue washers"},
    "/api/v1/profiles": {"station": "press-3", "profile": {}},
    "/api/v1/profiles/followings": {"station": "press-9"},
    "/api/v1/thresholds": {
        "station": "press-3",
        "bundle_id": "bundle-0000000000000000",
        "based_on": 0,
        "thresholds": {
            "local_score": {"pass_limit": 1, "fail_limit": 2},
            "global_score": {"pass_limit": 1, "fail_limit": 2},
        },
    },
    "/api/v1/challenges/parts": {"station": "press-9", "part_id": "known-1", "expectation": "pass"},
    "/api/v1/challenges/retirements": {"challenge_part_id": 4711},
    "/api/v1/challenges/acts": {"station": "press-9", "kind": "release", "note": "tried"},
    "/api/v1/drift/{alarm_id}/end": {"note": "looked at"},
    "/api/v1/shadow": {"bundle_id": "bundle-0000000000000000"},
    "/api/v1/shadow/{challenger_id}/stop": {},
    "/api/v1/bundles/anchors": {"bundle_id": "bundle-0000000000000000"},
    "/api/v1/bundles/promotions": {"bundle_id": "bundle-0000000000000000"},
    "/api/v1/bundles/rollbacks": {},
    "/api/v1/bundles/rescorings": {"judged_by": "bundle-0000000000000000"},
    "/api/v1/dispositions": {"inspections": [{"id": 4712}], "decision": "unclear"},
    "/api/v1/defect-names/changes": {"old_name": "scrtch", "new_name": "scratch"},
    "/api/v1/defect-names/changes/{change_id}/taking-back": {},
    "/api/v1/people": {"name": "Kenji Mori"},
    "/api/v1/people/{person_id}/role": {"role": "viewer"},
    "/api/v1/people/{person_id}/password": {"password": "seven green flanges"},
    "/api/v1/people/{person_id}/link": {},
    "/api/v1/people/{person_id}/disabling": {},
    "/api/v1/people/{person_id}/enabling": {},
    "/api/v1/nights": {},
    "/api/v1/nights/words": {"night": "line-2026-11-23", "word": "decline"},
    "/api/v1/golden": {"inspection_id": 4712},
    "/api/v1/golden/removals": {"inspection_id": 4712},
    "/api/v1/kept-out": {"inspection_id": 4712, "why": "tried"},
}
# What other numbers and names of addresses stand for.
OTHERS = {
    "{sheet}": "inspections",
    "{alarm_id}": "4711",
    "{person_id}": "4711",
    "{change_id}": "4711",
    "{challenger_id}": "bundle-0000000000000000",
    "{bundle_id}": "bundle-0000000000000000",
    "{name}": "line-2026-11-23",
}


def calls(inspection_id: object = 1) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, address, valid content) of every route."""
    return [(method, address, content) for _, method, address, content in calls_by_route(inspection_id)]


def calls_by_route(inspection_id: object = 1) -> list[tuple[APIRoute, str, str, dict[str, Any]]]:
    """(route, method, address, valid content) of every route."""
    found = []
    for route in ROUTES:
        for method in sorted(route.methods or ()):
            content: dict[str, Any] = {}
            if route.path in (INSPECTIONS, PARTS) and method == "POST":
                content = {"data": fields_of(1), "files": {"image": ("part.png", part_png())}}
            elif route.path == PARTS:
                content = {"params": {"part_id": "part-1"}}
            elif route.path == "/api/v1/outbox":
                content = {"params": {"station": "press-3"}}
            elif method == "POST":
                content = {"json": BODIES[route.path]}
            address = route.path.replace("{inspection_id}", str(inspection_id)).replace("{code}", "ja")
            for name, value in OTHERS.items():
                address = address.replace(name, value)
            found.append((route, method, address, content))
    return found


def assert_problem(answer: Any, status: int) -> Problem:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_TYPE
    problem = Problem.model_validate(answer.json())
    assert problem.status == status
    assert problem.title
    assert problem.detail
    assert problem.remedy
    return problem


def test_all_routes_are_seen() -> None:
    addresses = {route.path for route in ROUTES}
    assert {"/review/{inspection_id}", INSPECTIONS, "/health/ready", "/api/v1/summary"} <= addresses
    assert len(ROUTES) >= 14


def test_a_wrong_method(station: TestClient) -> None:
    for address in {address for _, address, _ in calls()} | {"/static/kensa.css"}:
        assert_problem(station.request("PATCH", address), 405)


def test_a_wrong_address(station: TestClient) -> None:
    for _, address, _ in calls():
        assert_problem(station.get(f"{address.rstrip('/')}/nowhere/at/all"), 404)
    assert_problem(station.get("/static/nothing.js"), 404)
    assert_problem(station.get("/static/../app.py"), 404)


def test_an_inspection_that_is_not_there(station: TestClient) -> None:
    for method, address, content in calls(4711):
        if "4711" in address:
            assert "4711" in assert_problem(station.request(method, address, **content), 404).detail


@pytest.mark.parametrize("identity", ["x", "0", "-1", "9223372036854775808", "1.5"])
def test_an_id_that_is_none(station: TestClient, identity: str) -> None:
    for method, address, content in calls(identity):
        if identity in address.split("/"):
            problem = assert_problem(station.request(method, address, **content), 422)
            assert problem.faults[0].field == "path.inspection_id"


def test_a_body_that_is_no_json(station: TestClient) -> None:
    address = f"{INSPECTIONS}/1/dispositions"
    assert_problem(station.post(address, content=b"{", headers={"Content-Type": "application/json"}), 422)
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_problem(station.post(INSPECTIONS, content=b"no form at all", headers=broken), 400)
    assert_problem(station.post(INSPECTIONS, content=b"", headers={"Content-Type": "multipart/form-data"}), 400)


def test_a_database_that_is_gone(station: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: object) -> Iterator[None]:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    monkeypatch.setattr("service.db.engine.Database.reading", gone)
    monkeypatch.setattr("service.db.engine.Database.writing", gone)
    for method, address, content in calls():
        if address not in WITHOUT_DATABASE:
            problem = assert_problem(station.request(method, address, **content), 503)
            assert "server closed" not in problem.detail


def test_a_mistake_of_ours(station: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("runtime", "doorkeeper"):
        monkeypatch.delattr(station.app.state, part)  # type: ignore[attr-defined]
    for method, address, content in calls():
        if address not in WITHOUT_RUNTIME:
            assert_problem(station.request(method, address, **content), 500)


@pytest.mark.parametrize("is_declared", [True, False], ids=["declared length", "streamed"])
@pytest.mark.parametrize("form", [True, False], ids=["form", "bare"])
def test_a_body_above_the_limit(make_station: MakeStation, is_declared: bool, form: bool) -> None:
    client = make_station(upload_limit_mb=1)
    kind = "multipart/form-data; boundary=x" if form else "image/png"
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' if form else b""
    pieces = [head, *[bytes(MB // 4)] * 5]
    content: Any = b"".join(pieces) if is_declared else iter(pieces)
    answer = client.post(INSPECTIONS, params=fields_of(1), content=content, headers={"Content-Type": kind})
    problem = assert_problem(answer, 413)
    assert "1 MB" in problem.detail
    assert stored_files(client) == []
    assert stored_count(client) == 0


def test_a_body_just_below_the_limit(make_station: MakeStation) -> None:
    client = make_station(upload_limit_mb=1)
    answer = client.post(INSPECTIONS, params=fields_of(1), content=bytes(MB), headers={"Content-Type": "image/png"})
    assert answer.status_code == 201
    assert runtime_of(client).image_store.get(stored_files(client)[0]) == bytes(MB)


def test_a_decision_above_the_limit(make_station: MakeStation) -> None:
    client = make_station(upload_limit_mb=1)
    content = b'{"decision": "' + bytes(2 * MB)
    headers = {"Content-Type": "application/json"}
    assert_problem(client.post(f"{INSPECTIONS}/1/dispositions", content=content, headers=headers), 413)
