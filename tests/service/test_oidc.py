"""Single sign-on against a real provider: who comes in and as what, and everything that must not let anybody in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx import URL
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import select, update

from inspection.errors import ConfigError
from service.access.oidc_attempt import Attempt
from service.access.oidc_plan import read_oidc_plan
from service.access.operations import add_person, disable_person, list_people
from service.access.tables import PersonSession
from service.audit.tables import AuditRecord
from service.audit.verification import verify
from service.callers import Role
from service.db.engine import Database
from service.settings import read_settings
from tests.service.camera import runtime_of
from tests.service.conftest import MakeStation
from tests.service.oidc_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Provider,
    plan_text,
    rsa_key,
    running_provider,
    unsigned,
)

Claims = dict[str, Any]


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@dataclass
class Browser:
    """A person's browser in front of a station that has a provider."""

    station: TestClient
    provider: Provider

    @property
    def database(self) -> Database:
        return runtime_of(self.station).database

    def get(self, address: str) -> Any:
        return self.station.get(address, follow_redirects=False)

    def begin(self, next_path: str = "/review") -> dict[str, str]:
        """What the browser is sent to the provider with."""
        answer = self.get(f"/sign-in/oidc?next={next_path}")
        assert answer.status_code == 303
        address = urlsplit(answer.headers["location"])
        assert f"{address.scheme}://{address.netloc}" == self.provider.issuer
        return dict(parse_qsl(address.query))

    def come_back(self, query: dict[str, str]) -> str:
        """Where the service sends the browser after the provider sent it back."""
        back = self.provider.authorize(query).removeprefix(self.provider.address)
        location: str = self.get(back).headers["location"]
        return location

    def sign_in(self) -> str:
        return self.come_back(self.begin())

    def who(self) -> Any:
        answer = self.get("/api/v1/session")
        return answer.json() if answer.status_code == 200 else None

    def trail(self, action: str) -> list[AuditRecord]:
        with self.database.reading() as session:
            query = select(AuditRecord).where(AuditRecord.action == action).order_by(AuditRecord.sequence)
            return list(session.scalars(query))


OpenBrowser = Callable[..., Browser]


@pytest.fixture
def open_browser(make_station: MakeStation, provider: Provider, tmp_path: Path) -> OpenBrowser:
    """Start a station with a provider; lines of its file may be given."""

    def make(**lines: str) -> Browser:
        file = tmp_path / "oidc.toml"
        file.write_text(plan_text(provider, **lines))
        station = make_station(oidc=file, oidc_client_secret=CLIENT_SECRET)
        station.auth = None
        return Browser(station, provider)

    return make


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


class OnOneDatabase:
    """What happens between service and provider is the same code on both."""

    @pytest.fixture
    def database_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'kensa.db'}"


def changed(**claims: object) -> Callable[[Provider], None]:
    """A provider whose token says this instead; None leaves the claim out."""

    def change(token: Claims) -> None:
        token.update(claims)
        for name in [name for name, value in claims.items() if value is None]:
            del token[name]

    return lambda provider: setattr(provider, "change", change)


def shifted(**seconds: int) -> Callable[[Provider], None]:
    def change(token: Claims) -> None:
        token.update({name: token["iat"] + shift for name, shift in seconds.items()})

    return lambda provider: setattr(provider, "change", change)


def by_the_clients_secret(claims: Claims) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET.ljust(32)), algorithms=["HS256"])


def by_another_key(claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, rsa_key("second"), algorithms=["RS256"])


def signed(sign: Callable[[Claims], str]) -> Callable[[Provider], None]:
    return lambda provider: setattr(provider, "sign", sign)


def broken(path: str, status: int, content: bytes) -> Callable[[Provider], None]:
    return lambda provider: provider.broken.update({path: (status, content)})


REFUSED = {
    "wrong nonce": (changed(nonce="another"), "untrusted"),
    "no nonce": (changed(nonce=None), "untrusted"),
    "wrong audience": (changed(aud="another-client"), "untrusted"),
    "other audiences beside, and no azp": (changed(aud=[CLIENT_ID, "another"]), "untrusted"),
    "made out to another client": (changed(azp="another-client"), "untrusted"),
    "wrong issuer": (changed(iss="http://elsewhere.example"), "untrusted"),
    "expired": (shifted(iat=-600, exp=-300), "untrusted"),
    "of tomorrow": (shifted(iat=86400, exp=90000), "untrusted"),
    "no end": (changed(exp=None), "untrusted"),
    "nobody": (changed(sub=None), "untrusted"),
    "for another access token": (changed(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "untrusted"),
    "no signature": (signed(unsigned), "untrusted"),
    "signed with the client's secret": (signed(by_the_clients_secret), "untrusted"),
    "signed by another key": (signed(by_another_key), "untrusted"),
    "no token": (signed(lambda _: "a.b.c"), "untrusted"),
    "unknown group": (changed(groups=["canteen"]), "not-allowed"),
    "no groups": (changed(groups=None), "not-allowed"),
    "groups of another shape": (changed(groups={"kensa-admins": True}), "not-allowed"),
    "keys that are none": (broken("/keys", 200, b'{"keys": "none"}'), "untrusted"),
    "no tokens": (broken("/token", 200, b"{}"), "untrusted"),
    "a page instead of tokens": (broken("/token", 200, b"<html>"), "untrusted"),
    "a wrong secret": (broken("/token", 401, b'{"error": "invalid_client"}'), "untrusted"),
    "a provider in trouble": (broken("/token", 503, b""), "unreachable"),
}


class TestRefusals(OnOneDatabase):
    def test_nobody_comes_in_by_what_does_not_stand_up_to_a_check(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        for name, (spoil, refusal) in REFUSED.items():
            browser.provider.change, browser.provider.sign, browser.provider.broken = (lambda _: None), None, {}
            # What was known is forgotten: each case meets its own provider.
            fresh = browser.station.app.state.single_sign_on.provider._keys  # type: ignore[attr-defined]
            fresh._known = None
            spoil(browser.provider)
            query = browser.begin()
            assert browser.come_back(query) == f"/sign-in?refused={refusal}", name
            assert browser.who() is None, name
        refusals = [record for record in browser.trail("sign_in_refused") if "single sign-on" in record.detail]
        assert len(refusals) == len([1 for _, refusal in REFUSED.values() if refusal != "unreachable"])
        assert CLIENT_SECRET not in "".join(record.detail for record in refusals)
        assert [person.name for person in list_people(browser.database)] == ["Aiko Tanaka"]

    def test_the_way_back_belongs_to_the_browser_that_went(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        stale = "/sign-in?refused=stale"
        query = browser.begin()
        assert browser.come_back(query | {"state": "another"}) == stale
        # The attempt is over with that: a state that was right does not help any more.
        assert browser.come_back(query) == stale
        query = browser.begin()
        browser.station.cookies.clear()
        assert browser.come_back(query) == stale
        browser.station.cookies.set("kensa_oidc", "rubbish", path="/sign-in/oidc")
        assert browser.come_back(query) == stale
        assert browser.who() is None

    def test_a_stolen_code_is_worth_nothing(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        stolen = dict(parse_qsl(urlsplit(browser.provider.authorize(browser.begin())).query))["code"]
        own = browser.begin()
        answer = browser.get(f"/sign-in/oidc/return?code={stolen}&state={own['state']}")
        assert answer.headers["location"] == "/sign-in?refused=untrusted"

    def test_what_the_provider_refuses_is_said(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        for sent in ("error=access_denied", "code="):
            answer = browser.get(f"/sign-in/oidc/return?{sent}&state={browser.begin()['state']}")
            assert answer.headers["location"] == "/sign-in?refused=declined"
        answer = browser.get(f"/sign-in/oidc/return?code=x&iss=http://mix.up&state={browser.begin()['state']}")
        assert answer.headers["location"] == "/sign-in?refused=untrusted"

    def test_a_disabled_person_stays_out(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        browser.sign_in()
        name = browser.who()["name"]
        disable_person(browser.database, name, actor="test")
        assert browser.who() is None
        assert browser.sign_in() == "/sign-in?refused=disabled"

    def test_whoever_is_wrong_all_the_time_has_to_wait(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        told = {browser.get("/sign-in/oidc/return?code=x&state=y").headers["location"] for _ in range(31)}
        assert told == {"/sign-in?refused=stale", "/sign-in?refused=too-many"}
        assert len(browser.trail("sign_in_refused")) == 30


class TestUnreachable(OnOneDatabase):
    def test_a_provider_that_is_away_leaves_the_password(
        self, open_browser: OpenBrowser, capfd: pytest.CaptureFixture[str]
    ) -> None:
        browser = open_browser(issuer='"http://127.0.0.1:9"', timeout_s="0.5")
        add_person(browser.database, "Emergency", Role.ADMIN, "break the glass", actor="test")
        answer = browser.get("/sign-in/oidc")
        assert answer.headers["location"] == "/sign-in?refused=unreachable"
        told = capfd.readouterr()
        assert "sign_on_unreachable" in told.out + told.err
        assert "127.0.0.1:9" in told.out + told.err
        page = browser.get(answer.headers["location"]).text
        assert "Plant login does not answer" in page
        wanted = {"name": "Emergency", "password": "break the glass"}
        assert browser.station.post("/api/v1/session", json=wanted).status_code == 201
        # There is nothing to sign out of elsewhere.
        assert browser.station.delete("/api/v1/session").status_code == 204

    @pytest.mark.parametrize(
        ("extra", "told"),
        [
            ({"issuer": "http://127.0.0.1/another"}, "not of issuer"),
            ({"token_endpoint": "http://elsewhere.example/token"}, "does not begin with https://"),
            ({"jwks_uri": None}, "jwks_uri is missing"),
        ],
    )
    def test_a_description_that_does_not_fit_is_not_followed(
        self, open_browser: OpenBrowser, capfd: pytest.CaptureFixture[str], extra: Claims, told: str
    ) -> None:
        browser = open_browser()
        browser.provider.extra = extra
        assert browser.get("/sign-in/oidc").headers["location"] == "/sign-in?refused=untrusted"
        assert told in "".join(capfd.readouterr())


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


class TestPage(OnOneDatabase):
    def test_the_sign_in_page_offers_both_ways(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        page = browser.get("/sign-in?next=/trends%3Fdays%3D7").text
        assert 'href="/sign-in/oidc?next=/trends%3Fdays%3D7"' in page
        assert "Sign in with Plant login" in page
        assert 'name="password"' in page
        browser.station.cookies.set("kensa_language", "ja")
        for refusal in ("unreachable", "stale", "declined", "untrusted", "not-allowed", "disabled", "too-many"):
            answer = browser.get(f"/sign-in?refused={refusal}")
            assert answer.status_code == 200
            assert 'role="alert"' in answer.text
        assert "Plant loginでサインイン" in answer.text
        assert browser.get("/sign-in?refused=<b>").status_code == 422

    def test_without_a_provider_there_is_no_such_way(self, station: TestClient) -> None:
        assert "/sign-in/oidc" not in station.get("/sign-in").text
        assert station.get("/sign-in/oidc").status_code == 404
        assert station.get("/sign-in/oidc/return").status_code == 404

    def test_the_way_leads_to_no_other_site(self, open_browser: OpenBrowser) -> None:
        browser = open_browser()
        assert browser.come_back(browser.begin("//elsewhere.example")) == "/"
        attempt = Attempt("s" * 43, "//elsewhere.example")
        again = Attempt.from_cookie(attempt.cookie)
        assert again is not None
        assert again.next_path == "/"

    def test_only_the_service_reads_the_attempts_cookie(self, open_browser: OpenBrowser) -> None:
        cookie = open_browser().get("/sign-in/oidc").headers["set-cookie"]
        assert {"HttpOnly", "Path=/sign-in/oidc", "SameSite=lax"} <= set(cookie.split("; "))


FAULTS = [
    ({"issuer": '"http://login.plant"'}, "issuer = .*https://"),
    ({"scopes": '["profile"]'}, "scopes.*openid"),
    ({"label": '""'}, "label"),
    ({"ca_file": '"/nowhere.pem"'}, "ca_file"),
    ({"client_secret_file": '"/nowhere"'}, "client_secret_file"),
    ({"colour": '"red"'}, "unknown key colour"),
]


class TestFile:
    @pytest.mark.parametrize(("lines", "told"), FAULTS)
    def test_a_fault_is_told_in_one_line(self, tmp_path: Path, lines: dict[str, str], told: str) -> None:
        file = tmp_path / "oidc.toml"
        file.write_text(plan_text(Provider(issuer="https://login.plant"), **lines))
        settings = read_settings(data=tmp_path, oidc=file, oidc_client_secret="s")
        with pytest.raises(ConfigError, match=told) as error:
            read_oidc_plan(settings)
        assert str(file) in error.value.problem
        assert "\n" not in error.value.problem

    def test_roles_must_be_roles_of_this_service(self, tmp_path: Path) -> None:
        file = tmp_path / "oidc.toml"
        file.write_text(plan_text(Provider(issuer="https://login.plant")) + 'boss = ["all"]\n')
        with pytest.raises(ConfigError, match="roles"):
            read_oidc_plan(read_settings(data=tmp_path, oidc=file, oidc_client_secret="s"))

    def test_the_secret_comes_from_a_file_or_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, secret = tmp_path / "oidc.toml", tmp_path / "secret"
        file.write_text(plan_text(Provider(issuer="https://login.plant")))
        with pytest.raises(ConfigError, match="KENSA_OIDC_CLIENT_SECRET"):
            read_oidc_plan(read_settings(data=tmp_path, oidc=file))
        monkeypatch.setenv("KENSA_OIDC_CLIENT_SECRET", "from the environment")
        monkeypatch.setenv("KENSA_OIDC", str(file))
        given = read_oidc_plan(read_settings(data=tmp_path))
        assert given is not None
        assert given[1].get_secret_value() == "from the environment"
        assert "environment" not in repr(given)
        secret.write_text("")
        file.write_text(plan_text(Provider(issuer="https://login.plant"), client_secret_file=f'"{secret}"'))
        with pytest.raises(ConfigError, match="is empty"):
            read_oidc_plan(read_settings(data=tmp_path))
        secret.write_text(" from a file \n")
        given = read_oidc_plan(read_settings(data=tmp_path))
        assert given is not None
        assert given[1].get_secret_value() == "from a file"
