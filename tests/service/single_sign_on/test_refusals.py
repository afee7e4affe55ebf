"""Single sign-on against a real provider: everything that must not let anybody in."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from service.access.operations import add_person, disable_person, list_people
from service.callers import Role
from tests.service.oidc_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Provider,
    rsa_key,
    unsigned,
)
from tests.service.single_sign_on.conftest import Claims, OnOneDatabase, OpenBrowser


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
