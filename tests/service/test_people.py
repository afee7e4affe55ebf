"""People are looked after by administrators: over HTTP, on their pages, and with a record of each change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from service.access.operations import add_person
from service.access.tables import OidcIdentity, Person
from service.audit.operations import AuditRecord
from service.callers import Role
from tests.service.camera import runtime_of
from tests.service.credentials import REVIEWER
from tests.service.test_problems import assert_problem

PEOPLE = "/api/v1/people"
PASSWORD = "seven green flanges"
Add = Callable[..., dict[str, Any]]


@pytest.fixture
def add(station: TestClient) -> Add:
    def add(name: str = "Kenji Mori", **fields: Any) -> dict[str, Any]:
        answer = station.post(PEOPLE, json={"name": name, **fields})
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    return add


def post(client: TestClient, person: dict[str, Any], what: str, **body: Any) -> Any:
    return client.post(f"{PEOPLE}/{person['id']}/{what}", json=body)


def sign_in(client: TestClient, name: str, password: str) -> int:
    """The status of the answer; the client goes on as who it was."""
    answer = client.post("/api/v1/session", json={"name": name, "password": password}, auth=lambda r: r)
    client.cookies.clear()
    return answer.status_code


def changes(client: TestClient, name: str) -> list[tuple[str, str]]:
    """(who, what) of every change on record about a person."""
    with runtime_of(client).database.reading() as session:
        rows = session.scalars(
            select(AuditRecord).where(AuditRecord.action == "person", AuditRecord.subject == name)
        ).all()
    return [(row.actor, row.detail) for row in rows]


def test_a_person_is_let_in_and_signs_in(station: TestClient, add: Add) -> None:
    person = add(role="engineer", password=PASSWORD)
    assert (person["role"], person["has_password"], person["last_sign_in_at"]) == ("engineer", True, None)
    assert sign_in(station, "Kenji Mori", PASSWORD) == 201
    listed = {one["name"]: one for one in station.get(PEOPLE).json()["items"]}
    assert listed["Kenji Mori"]["last_sign_in_at"] is not None
    assert listed[REVIEWER]["role"] == "admin"
    assert not {key for one in listed.values() for key in one} & {"password", "password_hash"}
    assert_problem(station.post(PEOPLE, json={"name": "Kenji Mori"}), 409)
    assert_problem(station.post(PEOPLE, json={"name": "Short", "password": "short"}), 422)


def test_a_role_holds_from_the_next_request_on(station: TestClient, add: Add) -> None:
    person = add(role="viewer", password=PASSWORD)
    assert post(station, person, "role", role="reviewer").json()["role"] == "reviewer"
    [(_, added), (who, changed)] = changes(station, "Kenji Mori")
    assert who == REVIEWER
    assert '"change":"role"' in changed.replace(" ", "")
    assert '"change":"added"' in added.replace(" ", "")
    assert_problem(station.post(f"{PEOPLE}/4711/role", json={"role": "viewer"}), 404)


def test_a_new_password_ends_the_old_one(station: TestClient, add: Add) -> None:
    person = add(password=PASSWORD)
    assert post(station, person, "password", password="nine blue washers").status_code == 201
    assert sign_in(station, "Kenji Mori", PASSWORD) == 401
    assert sign_in(station, "Kenji Mori", "nine blue washers") == 201
    assert_problem(post(station, person, "password", password="short"), 422)


def test_a_disabled_person_is_let_in_again(station: TestClient, add: Add) -> None:
    person = add(password=PASSWORD)
    assert post(station, person, "disabling").json()["disabled_at"] is not None
    assert sign_in(station, "Kenji Mori", PASSWORD) == 401
    assert_problem(post(station, person, "link"), 409)
    assert post(station, person, "enabling").json()["disabled_at"] is None
    assert sign_in(station, "Kenji Mori", PASSWORD) == 201
    told = [detail for _, detail in changes(station, "Kenji Mori")]
    assert ["disabled" in told[-2], "enabled" in told[-1]] == [True, True]


def test_a_link_signs_in_once(station: TestClient, add: Add) -> None:
    person = add()
    path = post(station, person, "link").json()["path"]
    token = path.removeprefix("/sign-in#")
    assert token != path
    assert [
        station.post("/api/v1/session/link", json={"token": token}, auth=lambda r: r).status_code for _ in range(2)
    ] == [201, 401]


def test_nobody_changes_their_own_role_or_locks_themselves_out(station: TestClient, add: Add) -> None:
    oneself = next(one for one in station.get(PEOPLE).json()["items"] if one["name"] == REVIEWER)
    assert_problem(post(station, oneself, "role", role="viewer"), 409)
    assert_problem(post(station, oneself, "disabling"), 409)
    page = station.get(f"/people/{oneself['id']}").text
    assert "This is you." in page
    assert f'data-post="{PEOPLE}/{oneself["id"]}/disabling"' not in page


def test_the_pages_say_who_may_come_in_and_how(station: TestClient, add: Add) -> None:
    person = add("Vera <b>", role="viewer", password=PASSWORD)
    post(station, person, "disabling")
    database = runtime_of(station).database
    add_person(database, "Sora", Role.REVIEWER, None, actor="test")
    with database.writing() as session:
        sora = session.scalars(select(Person).where(Person.name == "Sora")).one()
        session.add(OidcIdentity(issuer="https://id.plant", subject="7", person_id=sora.id))
    page = station.get("/people").text
    assert "Vera &lt;b&gt;" in page
    assert "single sign-on" in page
    assert "disabled" in page
    assert "The provider of single sign-on gives the role" in station.get(f"/people/{sora.id}").text
    assert "Let in again" in station.get(f"/people/{person['id']}").text
    assert station.get("/people/4711", headers={"Accept": "text/html"}).status_code == 404
    japanese = station.get("/people", headers={"Accept-Language": "ja"}).text
    assert "利用者" in japanese
