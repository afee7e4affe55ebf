"""Signing in by a provider that is not ours: another project's, in a process of its own, over HTTP all the way.

It registers clients (RFC 7591) and keeps them to their secret and their return address. It does not look at PKCE.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.running_service import RunningService, run_service

MEI = {
    "sub": "mei",
    "name": "Mei Kato",
    "email": "mei@plant.example",
    "groups": ["kensa-reviewers"],
}
KEN = {"sub": "ken", "name": "Ken Abe", "email": "ken@plant.example", "groups": ["canteen"]}


@dataclass(frozen=True)
class SignOn:
    """A running service with its provider, and what the provider has given it."""

    service: RunningService
    issuer: str
    client_id: str

    def browser(self) -> httpx.Client:
        """A person's browser: it keeps cookies and goes where it is sent."""
        return httpx.Client(base_url=self.service.address, timeout=60, follow_redirects=True)


@pytest.fixture(scope="module")
def sign_on(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignOn]:
    folder = tmp_path_factory.mktemp("sign-on")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with run_provider() as issuer:
        wanted = {"redirect_uris": [f"{address}/sign-in/oidc/return"]}
        client = httpx.post(f"{issuer}/oauth2/clients", json=wanted).raise_for_status().json()
        file = folder / "oidc.toml"
        file.write_text(
            f'issuer = "{issuer}"\nclient_id = "{client["client_id"]}"\naddress = "{address}"\n'
            '[roles]\nreviewer = ["kensa-reviewers"]\n'
        )
        environment = {"KENSA_OIDC": str(file), "KENSA_OIDC_CLIENT_SECRET": client["client_secret"]}
        options = ("--bundle", bundle, "--data", folder / "data", "--port", str(port))
        with run_service(*options, environment=environment) as service:
            yield SignOn(service, issuer, client["client_id"])


def free_port() -> int:
    """The return address is registered before the service listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def run_provider() -> Iterator[str]:
    """Its address. A process of its own, as a plant's is a machine of its own."""
    port = free_port()
    people = [word for one in (MEI, KEN) for word in ("--user-claims", json.dumps(one))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "-r", "-n", *people]
    issuer = f"http://localhost:{port}"
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{issuer}/.well-known/openid-configuration", child)
        yield issuer
    finally:
        child.terminate()
        child.wait(30)


def wait_for(address: str, child: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert child.poll() is None, "the provider did not start"
        try:
            httpx.get(address).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        return
    raise AssertionError("the provider does not answer")


def sign_in(browser: httpx.Client, subject: str) -> httpx.Response:
    """By the page's link to the provider, and by the provider's own form back."""
    form = browser.get("/sign-in/oidc", params={"next": "/review"})
    assert form.status_code == 200, form.text
    assert form.url.path == "/oauth2/authorize"
    return browser.post(form.url, data={"sub": subject})


def test_a_person_comes_in_by_the_providers_form_and_works(sign_on: SignOn) -> None:
    with sign_on.browser() as browser:
        arrived = sign_in(browser, "mei")
        assert (arrived.status_code, arrived.url.path) == (200, "/review"), arrived.text
        who = browser.get("/api/v1/session").json()
        assert (who["name"], who["role"]) == ("Mei Kato", "reviewer")
        gone = browser.delete("/api/v1/session", headers={"Origin": sign_on.service.address}).json()
        assert gone["continue_at"].startswith(f"{sign_on.issuer}/")
        assert browser.get("/api/v1/session").status_code == 401


def test_who_has_no_group_of_ours_stays_out(sign_on: SignOn) -> None:
    with sign_on.browser() as browser:
        arrived = sign_in(browser, "ken")
        assert arrived.url.path == "/sign-in"
        assert browser.get("/api/v1/session").status_code == 401


def test_who_declines_at_the_provider_stays_out(sign_on: SignOn) -> None:
    with sign_on.browser() as browser:
        form = browser.get("/sign-in/oidc", params={"next": "/review"})
        arrived = browser.post(form.url, data={"action": "deny"})
        assert browser.get("/api/v1/session").status_code == 401
        assert arrived.url.path != "/review"


def test_a_code_counts_once(sign_on: SignOn) -> None:
    with sign_on.browser() as browser:
        form = browser.get("/sign-in/oidc", params={"next": "/review"})
        back = browser.post(form.url, data={"sub": "mei"}, follow_redirects=False).headers["location"]
        assert back.startswith(f"{sign_on.service.address}/sign-in/oidc/return?")
        assert browser.get(back).url.path == "/review"
        with sign_on.browser() as thief:
            assert thief.get(back).url.path == "/sign-in"
            assert thief.get("/api/v1/session").status_code == 401
