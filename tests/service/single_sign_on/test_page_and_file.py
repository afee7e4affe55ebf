"""The sign-in page with a provider, and the file that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from inspection.errors import ConfigError
from service.access.oidc_attempt import Attempt
from service.access.oidc_plan import read_oidc_plan
from service.settings import read_settings
from tests.service.oidc_provider import (
    Provider,
    plan_text,
)
from tests.service.single_sign_on.conftest import OnOneDatabase, OpenBrowser


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
