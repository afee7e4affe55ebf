"""Deny by default: who is let in, to what, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from service.access.credentials import KEY_PREFIX, digest_of
from service.access.operations import add_person
from service.access.sessions import IDLE, LONGEST
from service.access.tables import Person, PersonSession, SignInLink, StationKey
from service.access.throttle import Throttle
from service.callers import PERMISSIONS_OF, STATION_PERMISSIONS, Permission, Role
from service.errors import TooManyAttempts
from service.web.guard import OPEN_PATHS, Guard, guards_of, require_guards
from tests.service.camera import INSPECTIONS, post, posted, runtime_of
from tests.service.credentials import make_session, make_station_key
from tests.service.test_problems import assert_problem, calls_by_route

OPEN_TO_ALL = {
    "/charts/plotly.min.js",
    "/api/v1/announcements",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/sign-in",
    "/sign-in/oidc",
    "/sign-in/oidc/return",
    "/language/{code}",
    "/api/v1/session",
    "/api/v1/session/link",
}
"""What answers a stranger; the session's own address only in POST."""
SECURITY_HEADERS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options")


def guards(station: TestClient) -> dict[str, list[Guard | None]]:
    found: dict[str, list[Guard | None]] = {}
    for path, guard in guards_of(station.app):  # type: ignore[arg-type]
        found.setdefault(path, []).append(guard)
    return found


def as_person(client: TestClient, role: Role) -> dict[str, str]:
    return {"Cookie": f"kensa_session={make_session(runtime_of(client).database, role.value, role)}"}


def needed_by(route: APIRoute) -> Permission | None:
    stated = [part.call.permission for part in route.dependant.dependencies if isinstance(part.call, Guard)]
    return next((permission for permission in stated if permission is not None), None)


def test_every_route_states_what_it_needs(station: TestClient) -> None:
    found = guards(station)
    assert {path for path, stated in found.items() if None in stated} == OPEN_PATHS
    strangers = {path for path, stated in found.items() if any(g and g.permission is None for g in stated)}
    assert strangers == OPEN_TO_ALL
    assert len(found) >= 15


def test_an_application_with_a_route_that_states_nothing_does_not_start() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/forgotten", lambda: None)
    with pytest.raises(RuntimeError, match="/forgotten: states no permission"):
        require_guards(app)


def test_a_stranger_gets_nothing(station: TestClient) -> None:
    posted(station, 1, spot=0.9)
    station.auth = None
    for route, method, address, content in calls_by_route():
        if route.path not in OPEN_TO_ALL or (method == "GET" and address == "/api/v1/session"):
            answer = station.request(method, address, follow_redirects=False, **content)
            assert_problem(answer, 401)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_strangers_browser_is_led_to_the_sign_in_page(station: TestClient) -> None:
    station.auth = None
    answer = station.get("/review/7", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Freview%2F7")


@pytest.mark.parametrize("role", list(Role))
def test_each_role_gets_what_it_may_and_nothing_else(station: TestClient, role: Role) -> None:
    posted(station, 1, spot=0.9)
    station.auth = None
    who = as_person(station, role)
    for route, method, address, content in calls_by_route():
        needed = needed_by(route)
        if needed is None or method == "DELETE":
            continue
        answer = station.request(method, address, headers=who, follow_redirects=False, **content)
        assert (answer.status_code == 403) == (needed not in PERMISSIONS_OF[role]), (method, address, answer.text)


def test_roles_are_a_ladder() -> None:
    ladder = [PERMISSIONS_OF[role] for role in Role]
    assert all(lower < higher for lower, higher in pairwise(ladder))
    assert set().union(*ladder) | STATION_PERMISSIONS == set(Permission)
    assert Permission.SEND_PARTS not in ladder[-1]


def test_a_station_key_reads_its_own_record_only(station: TestClient) -> None:
    own, other = posted(station, 1, spot=0.9), posted(station, 2, spot=0.9, station="press-4")
    station.auth = None
    headers = {"Authorization": f"Bearer {make_station_key(runtime_of(station).database, 'press-3')}"}
    for suffix in ("", "/image", "/heat-map"):
        assert station.get(own["links"]["self"] + suffix, headers=headers).status_code == 200
        assert station.get(other["links"]["self"] + suffix, headers=headers).status_code == 403
    assert station.get(INSPECTIONS, headers=headers, params={"station": "press-3"}).status_code == 200
    for wanted in ({}, {"station": "press-4"}):
        assert station.get(INSPECTIONS, headers=headers, params=wanted).status_code == 403
    for address in ("/review", "/api/v1/summary"):
        assert station.get(address, headers=headers).status_code == 403


@pytest.mark.parametrize("shown", ["Bearer", "Bearer ", "Bearer kensa-key-no", "Basic YTpi", "Bearer \xff", ""])
def test_a_wrong_key_opens_nothing_even_beside_a_right_session(station: TestClient, shown: str) -> None:
    headers = as_person(station, Role.ADMIN) | {"Authorization": shown.encode("latin-1").decode("latin-1")}
    answer = station.get("/api/v1/summary", headers={k: v.encode("latin-1") for k, v in headers.items()})
    assert_problem(answer, 401)


def test_only_digests_of_secrets_are_kept(station: TestClient) -> None:
    database = runtime_of(station).database
    key, session = make_station_key(database), make_session(database, "Ken", Role.VIEWER)
    assert key.startswith(KEY_PREFIX)
    with database.reading() as transaction:
        kept = list(transaction.scalars(select(StationKey.key_sha256)))
        kept += list(transaction.scalars(select(PersonSession.token_sha256)))
        kept += list(transaction.scalars(select(SignInLink.token_sha256)))
    assert {digest_of(key), digest_of(session)} <= set(kept)
    assert not {key, session} & set(kept)


def test_a_known_key_asks_nothing_of_the_database(station: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = station.app.state.doorkeeper.keys  # type: ignore[attr-defined]
    key = make_station_key(runtime_of(station).database)
    assert keys.recall(key) == (False, None)
    caller = keys.look_up(key)
    monkeypatch.setattr(keys, "_find", lambda _: pytest.fail("asked"))
    assert keys.recall(key) == (True, caller)
    assert caller is not None


def test_a_remembered_key_ends_when_it_ends(station: TestClient) -> None:
    keys = station.app.state.doorkeeper.keys  # type: ignore[attr-defined]
    key = make_station_key(runtime_of(station).database)
    assert keys.look_up(key) is not None
    keys._known[digest_of(key)] = replace(keys._known[digest_of(key)], ends_at=datetime.now(UTC))
    assert keys.recall(key) == (True, None)


@pytest.mark.parametrize("age", [{"seen_at": IDLE}, {"began_at": LONGEST}], ids=["idle", "old"])
def test_sessions_end_by_themselves(station: TestClient, age: dict[str, timedelta]) -> None:
    database = runtime_of(station).database
    headers = as_person(station, Role.VIEWER)
    assert station.get("/api/v1/session", headers=headers).status_code == 200
    with database.writing() as session:
        values = {name: datetime.now(UTC) - span - timedelta(minutes=1) for name, span in age.items()}
        session.execute(update(PersonSession).values(values))
    assert station.get("/api/v1/session", headers=headers).status_code == 401


def test_signing_out_ends_the_session_for_good(station: TestClient) -> None:
    headers = as_person(station, Role.VIEWER)
    answer = station.delete("/api/v1/session", headers=headers)
    assert answer.status_code == 204
    assert 'kensa_session=""' in answer.headers["set-cookie"]
    assert station.get("/api/v1/session", headers=headers).status_code == 401


def test_the_session_cookie_is_out_of_scripts_reach(station: TestClient) -> None:
    add_person(runtime_of(station).database, "Emi", Role.VIEWER, "correct horse battery", actor="test")
    answer = station.post("/api/v1/session", json={"name": "Emi", "password": "correct horse battery"})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie


@pytest.mark.parametrize(
    "origin",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_a_foreign_page_cannot_decide_for_a_person(station: TestClient, origin: dict[str, str]) -> None:
    identity = posted(station, 1, spot=0.9)["id"]
    address = f"{INSPECTIONS}/{identity}/dispositions"
    assert_problem(station.post(address, json={"decision": "unclear"}, headers=origin), 403)
    assert station.get(address).json()["items"] == []
    assert_problem(station.post("/api/v1/session", json={"name": "a", "password": "b"}, headers=origin), 403)
    own = {"Origin": "http://testserver", "Host": "testserver"}
    assert station.post(address, json={"decision": "unclear"}, headers=own).status_code == 201


def test_guessing_passwords_is_slowed_down(station: TestClient) -> None:
    wrong: dict[str, Any] = {"json": {"name": "Aiko Tanaka", "password": "guess"}}
    told = [station.post("/api/v1/session", **wrong) for _ in range(7)]
    assert [answer.status_code for answer in told] == [401] * 5 + [429] * 2
    assert int(told[-1].headers["Retry-After"]) in range(1, 61)
    other = station.post("/api/v1/session", json={"name": "Emi", "password": "guess"})
    assert other.status_code == 401


def test_a_name_nobody_has_is_answered_like_a_wrong_password(station: TestClient) -> None:
    answers = [station.post("/api/v1/session", json={"name": n, "password": "x"}) for n in ("Aiko Tanaka", "Nobody")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


def test_a_bucket_fills_again() -> None:
    now = [0.0]
    throttle = Throttle(2, refill_s=10.0, clock=lambda: now[0])
    for _ in range(2):
        throttle.check("a")
        throttle.count_failure("a")
    with pytest.raises(TooManyAttempts) as told:
        throttle.check("a")
    assert told.value.retry_after_s == 10.0
    throttle.check("b")
    now[0] = 10.0
    throttle.check("a")
    throttle.forget("a")
    assert throttle._full_at == {}


def test_a_redirect_leads_to_no_other_site(station: TestClient) -> None:
    for path in ("//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"):
        page = station.get("/sign-in", params={"next": path})
        assert 'data-next="/"' in page.text, path
    assert 'data-next="/review/7"' in station.get("/sign-in", params={"next": "/review/7"}).text


def test_the_first_start_says_how_to_let_somebody_in(station: TestClient) -> None:
    database = runtime_of(station).database
    assert "people add" not in station.get("/sign-in").text
    with database.writing() as session:
        session.execute(update(Person).values(disabled_at=datetime.now(UTC)))
    assert "python -m service people add NAME --role admin" in station.get("/sign-in").text


def test_every_answer_carries_the_security_headers(station: TestClient) -> None:
    for address in ("/sign-in", "/review", "/nowhere", "/static/kensa.css", "/health/live"):
        answer = station.get(address)
        assert [name for name in SECURITY_HEADERS if name not in answer.headers] == []


def test_a_body_is_not_read_before_the_sender_is_known(station: TestClient) -> None:
    station.auth = None
    sent: list[int] = []

    def pieces() -> Any:
        for number in range(64):
            sent.append(number)
            yield bytes(2**16)

    answer = station.post(INSPECTIONS, content=pieces(), headers={"Content-Type": "image/png"})
    assert answer.status_code == 401
    assert post(station, 1).status_code == 401
