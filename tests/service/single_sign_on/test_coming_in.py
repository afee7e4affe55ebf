"""Single sign-on against a real provider: who comes in, as what, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from httpx import URL
from joserfc.jwk import ECKey
from sqlalchemy import select, update

from service.access.operations import add_person
from service.access.tables import PersonSession
from service.audit.verification import verify
from service.callers import Role
from tests.service.oidc_provider import (
    CLIENT_ID,
)
from tests.service.single_sign_on.conftest import Claims, OnOneDatabase, OpenBrowser


class TestOnEveryDatabase:
    def test_a_person_comes_in_with_the_role_of_their_group(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        assert browser.sign_in() == "/review"
        assert browser.who() == {"name": "Mei Kato", "role": "reviewer", "permissions": browser.who()["permissions"]}
        assert browser.get("/review").status_code == 200
        (record,) = [r for r in browser.trail("sign_in") if r.actor == "Mei Kato" and "issuer" in r.detail]
        assert '"means":"single sign-on"' in record.detail
        assert '"subject":"a-1"' in record.detail
        assert verify(browser.database).findings == []

    def test_the_provider_decides_anew_each_time(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        browser.sign_in()
        browser.provider.person |= {"groups": ["it"], "name": "Mei Ito"}
        browser.sign_in()
        # Roles follow the provider; the name stays, since decisions are signed with it.
        assert (browser.who()["name"], browser.who()["role"]) == ("Mei Kato", "admin")
        changes = [r.detail for r in browser.trail("person") if r.actor == "single sign-on"]
        assert ['"change":"added"' in changes[0], '"change":"role"' in changes[1]] == [True, True]

    def test_signing_out_leads_to_the_provider(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        browser.sign_in()
        answer = browser.station.delete("/api/v1/session")
        assert answer.status_code == 200
        address = URL(answer.json()["continue_at"])
        assert str(address).startswith(f"{browser.provider.issuer}/end_session?")
        assert dict(address.params) == {
            "client_id": CLIENT_ID,
            "post_logout_redirect_uri": "https://kensa.example/sign-in",
        }
        assert browser.who() is None
        assert [record.actor for record in browser.trail("sign_out")] == ["Mei Kato"]


class TestPeople(OnOneDatabase):
    def test_a_name_joins_nobody_to_another_account(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        add_person(browser.database, "Ken Mori", Role.ADMIN, "a long password", actor="test")
        browser.provider.person |= {"name": "Ken Mori", "preferred_username": "mallory"}
        browser.sign_in()
        assert (browser.who()["name"], browser.who()["role"]) == ("Ken Mori (mallory)", "reviewer")

    def test_two_people_of_one_name_are_two(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        browser.sign_in()
        browser.provider.person |= {"sub": "a-2", "preferred_username": "mei2"}
        browser.sign_in()
        assert browser.who()["name"] == "Mei Kato (mei2)"

    @pytest.mark.parametrize(
        ("lines", "person", "comes_in"),
        [
            ({"domains": '["plant.example"]'}, {}, True),
            ({"domains": '["Plant.example"]'}, {"email": "mei@PLANT.EXAMPLE"}, True),
            ({"domains": '["plant.example"]'}, {"email": "mei@plant.example.evil.example"}, False),
            ({"domains": '["plant.example"]'}, {"email_verified": False}, False),
            ({"domains": '["plant.example"]'}, {"email": "plant.example"}, False),
            ({"domains": '["plant.example"]'}, {"email": ""}, False),
            ({"groups_claim": '"sites"', "groups": '["osaka"]'}, {"sites": ["osaka", "kobe"]}, True),
            ({"groups_claim": '"sites"', "groups": '["osaka"]'}, {"sites": "kobe"}, False),
            ({"role_claim": '"realm_access.roles"'}, {"realm_access": {"roles": ["it"]}}, True),
            ({"role_claim": '"https://plant.example/roles"'}, {"https://plant.example/roles": "it"}, True),
            ({"role_claim": '"realm_access.roles"'}, {"realm_access": ["it"]}, False),
        ],
    )
    def test_who_is_allowed(
        self, open_browser: OpenBrowser, lines: dict[str, str], person: Claims, comes_in: bool
    ) -> None:
        browser = open_browser(**lines)
        browser.provider.person |= person
        assert browser.sign_in() == ("/review" if comes_in else "/sign-in?refused=not-allowed")

    def test_groups_may_come_by_the_userinfo(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        del browser.provider.person["groups"]
        browser.provider.userinfo = {"sub": "a-1", "groups": ["it"]}
        assert browser.sign_in() == "/review"
        assert browser.who()["role"] == "admin"
        browser.provider.userinfo = {"sub": "somebody else", "groups": ["it"]}
        assert browser.sign_in() == "/sign-in?refused=untrusted"

    def test_keys_may_change(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        browser.sign_in()
        keys = browser.station.app.state.single_sign_on.provider._keys  # type: ignore[attr-defined]
        browser.provider.key = ECKey.generate_key("P-256", {"kid": "next", "use": "sig"})
        browser.provider.shown_keys = [browser.provider.key]
        # Not at once: the keys at hand are of this minute.
        assert browser.sign_in() == "/sign-in?refused=untrusted"
        later = keys._clock() + 31
        keys._clock = lambda: later
        assert browser.sign_in() == "/review"
        assert browser.provider.asked.count("/keys") == 2
        assert browser.provider.asked.count("/.well-known/openid-configuration") == 1

    def test_the_provider_is_asked_again_in_the_end(self, open_browser: OpenBrowser) -> None:
        browser = open_browser(session_hours="8")
        browser.sign_in()
        with browser.database.writing() as session:
            ends_at = session.scalars(select(PersonSession.ends_at).where(PersonSession.ends_at.is_not(None))).one()
            assert timedelta(hours=7.9) < ends_at - datetime.now(UTC) < timedelta(hours=8)
            session.execute(update(PersonSession).values(ends_at=datetime.now(UTC)))
        assert browser.who() is None
