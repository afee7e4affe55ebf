"""People change their own password: with the old one, and nowhere else are they signed in afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from service.access.operations import add_link, add_person, set_password
from service.access.tables import OidcIdentity, Person
from service.audit.operations import AuditRecord
from service.callers import Role
from tests.service.camera import runtime_of
from tests.service.credentials import make_station_key
from tests.service.test_problems import assert_problem

PASSWORD, NEW = "seven green flanges", "nine blue washers"
WHO = "Kenji Mori"


class Kenji:
    """Someone with a password, and browsers in which they are signed in."""

    def __init__(self, station: TestClient) -> None:
        self.station = station
        self.database = runtime_of(station).database
        add_person(self.database, WHO, Role.VIEWER, PASSWORD, actor="test")

    def browser(self, password: str = PASSWORD) -> dict[str, str]:
        """The headers of a new one."""
        answer = self.ask({}, "", {"name": WHO, "password": password})
        assert answer.status_code == 201, answer.text
        return {"Cookie": f"kensa_session={answer.cookies['kensa_session']}"}

    def ask(self, browser: dict[str, str], path: str, body: dict[str, str], **headers: str) -> Any:
        headers = {name.replace("_", "-"): value for name, value in headers.items()} | browser
        answer = self.station.post(f"/api/v1/session{path}", json=body, headers=headers, auth=lambda request: request)
        self.station.cookies.clear()
        return answer

    def change(self, browser: dict[str, str], old: str = PASSWORD, new: str = NEW, **headers: str) -> Any:
        return self.ask(browser, "/password", {"old_password": old, "new_password": new}, **headers)

    def is_signed_in(self, browser: dict[str, str]) -> bool:
        answer = self.station.get("/api/v1/session", headers=browser, auth=lambda request: request)
        return answer.status_code == 200


@pytest.fixture
def kenji(station: TestClient) -> Kenji:
    return Kenji(station)


def entries(kenji: Kenji, action: str) -> list[AuditRecord]:
    with kenji.database.reading() as session:
        query = select(AuditRecord).where(AuditRecord.action == action, AuditRecord.subject == WHO)
        return list(session.scalars(query.order_by(AuditRecord.sequence)))


def test_it_is_changed_here_and_ends_every_other_session(kenji: Kenji) -> None:
    here, there, elsewhere = kenji.browser(), kenji.browser(), kenji.browser()
    token = add_link(kenji.database, WHO, actor="test")
    answer = kenji.change(here)
    assert (answer.status_code, answer.json()) == (201, {"sessions_ended": 2})
    assert [kenji.is_signed_in(browser) for browser in (here, there, elsewhere)] == [True, False, False]
    assert kenji.ask({}, "", {"name": WHO, "password": PASSWORD}).status_code == 401
    assert kenji.is_signed_in(kenji.browser(NEW))
    assert kenji.ask({}, "/link", {"token": token}).status_code == 401
    record = entries(kenji, "person")[-1]
    assert (record.actor, record.subject) == (WHO, WHO)
    assert '"own password"' in record.detail
    assert NEW not in record.detail


def test_the_old_one_must_be_right(kenji: Kenji) -> None:
    here = kenji.browser()
    assert_problem(kenji.change(here, old="not this one"), 403)
    assert kenji.is_signed_in(here)
    assert kenji.is_signed_in(kenji.browser())
    assert entries(kenji, "person")[-1].actor == "test"
    with kenji.database.reading() as session:
        refused = session.scalars(select(AuditRecord).where(AuditRecord.action == "sign_in_refused")).all()
    assert [row.actor for row in refused] == [WHO]


def test_whoever_sits_at_an_open_browser_cannot_guess(kenji: Kenji) -> None:
    here = kenji.browser()
    answers = [kenji.change(here, old=f"guess number {number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    # The right one is not looked at either, and signing in waits as long.
    assert_problem(kenji.change(here), 429)
    assert_problem(kenji.ask({}, "", {"name": WHO, "password": PASSWORD}), 429)


@pytest.mark.parametrize("weak", ["short", "x" * 257])
def test_a_weak_one_is_refused(kenji: Kenji, weak: str) -> None:
    here = kenji.browser()
    assert_problem(kenji.change(here, new=weak), 422)
    assert kenji.is_signed_in(kenji.browser())


@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.example"}, {"Sec_Fetch_Site": "cross-site"}])
def test_a_foreign_page_cannot_change_it(kenji: Kenji, headers: dict[str, str]) -> None:
    here = kenji.browser()
    assert_problem(kenji.change(here, **headers), 403)
    assert kenji.is_signed_in(kenji.browser())


def test_strangers_and_cameras_have_none(kenji: Kenji) -> None:
    assert_problem(kenji.change({}), 401)
    camera = {"Authorization": f"Bearer {make_station_key(kenji.database)}"}
    assert_problem(kenji.change(camera), 403)


def test_who_comes_by_link_or_provider_has_none_to_change(kenji: Kenji) -> None:
    add_person(kenji.database, "Sora", Role.REVIEWER, None, actor="test")
    answer = kenji.ask({}, "/link", {"token": add_link(kenji.database, "Sora", actor="test")})
    sora = {"Cookie": f"kensa_session={answer.cookies['kensa_session']}"}
    assert_problem(kenji.change(sora), 409)
    page = kenji.station.get("/password", headers=sora, auth=lambda request: request).text
    assert "a link signs you in" in page
    assert "<form" not in page.split("<main")[1]
    with kenji.database.writing() as session:
        row = session.scalars(select(Person).where(Person.name == "Sora")).one()
        session.add(OidcIdentity(issuer="https://id.plant", subject="7", person_id=row.id))
    page = kenji.station.get("/password", headers=sora, auth=lambda request: request).text
    assert "single sign-on" in page
    assert "<form" not in page.split("<main")[1]


def test_two_changes_at_once_leave_one(kenji: Kenji, monkeypatch: pytest.MonkeyPatch) -> None:
    here = kenji.browser()
    from service.access import doorkeeper, operations

    replace_password = operations.replace_password

    def after_the_administrator(database: Any, person: Person, password: str, *, but_token: str) -> int:
        set_password(database, WHO, "an administrator's", actor="test")
        return replace_password(database, person, password, but_token=but_token)

    monkeypatch.setattr(doorkeeper, "replace_password", after_the_administrator)
    assert_problem(kenji.change(here), 409)
    assert kenji.is_signed_in(kenji.browser("an administrator's"))


def test_the_page_says_what_has_happened(kenji: Kenji) -> None:
    here = kenji.browser()

    def page(address: str, language: str = "en") -> str:
        headers = here | {"Accept-Language": language}
        return str(kenji.station.get(address, headers=headers, auth=lambda request: request).text)

    assert 'data-post="/api/v1/session/password"' in page("/password")
    assert "has been changed" not in page("/password")
    assert "You were signed in nowhere else." in page("/password?ended=0")
    assert "Your other sessions have ended: 2." in page("/password?ended=2")
    assert 'href="/password"' in page("/review")
    assert 'id="sign-out"' in page("/password")
    assert "パスワード" in page("/password", "ja")
