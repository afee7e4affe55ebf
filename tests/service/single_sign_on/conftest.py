"""A station with a provider, and a person's browser in front of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from service.audit.tables import AuditRecord
from service.db.engine import Database
from tests.service.camera import runtime_of
from tests.service.conftest import MakeStation
from tests.service.oidc_provider import (
    CLIENT_SECRET,
    Provider,
    plan_text,
    running_provider,
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


class OnOneDatabase:
    """What happens between service and provider is the same code on both."""

    @pytest.fixture
    def database_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'kensa.db'}"
