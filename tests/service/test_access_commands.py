"""`people` and `stations`: whoever sits at the machine lets others in, while the service runs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from inspection.errors import KensaError
from service.callers import Role
from service.command import app
from tests.bundles import part_png
from tests.service.camera import INSPECTIONS, fields_of, runtime_of
from tests.service.credentials import make_session

PASSWORD = "correct horse battery"


class Command:
    """The command line beside a running station, on its database."""

    def __init__(self, station: TestClient, data: Path) -> None:
        url = runtime_of(station).database.engine.url.render_as_string(hide_password=False)
        self.place = ["--data", str(data), "--database-url", url]

    def __call__(self, *words: str, typed: str = "") -> str:
        """What it prints; its refusals are raised."""
        result = CliRunner().invoke(app, [*words, *self.place], input=typed)
        if isinstance(result.exception, KensaError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout.strip()


@pytest.fixture
def command(station: TestClient, tmp_path: Path) -> Command:
    station.auth = None
    return Command(station, tmp_path / "data")


def sign_in(station: TestClient, name: str, password: str = PASSWORD) -> int:
    return int(station.post("/api/v1/session", json={"name": name, "password": password}).status_code)


def post_with(client: TestClient, key: str, **others: str) -> int:
    answer = client.post(
        INSPECTIONS,
        data=fields_of(1) | others,
        files={"image": ("part.png", part_png())},
        headers={"Authorization": f"Bearer {key}"},
    )
    return int(answer.status_code)


def test_a_person_with_a_password(station: TestClient, command: Command) -> None:
    command("people", "add", "Emi Sato", "--role", "engineer", typed=f"{PASSWORD}\n")
    assert sign_in(station, "Emi Sato") == 201
    assert station.get("/api/v1/session").json()["role"] == "engineer"
    command("people", "role", "Emi Sato", "viewer")
    assert station.get("/api/v1/session").json()["role"] == "viewer"
    command("people", "password", "Emi Sato", typed="another long one\n")
    assert station.get("/api/v1/session").status_code == 401
    assert sign_in(station, "Emi Sato") == 401
    assert sign_in(station, "Emi Sato", "another long one") == 201
    command("people", "disable", "Emi Sato")
    assert station.get("/api/v1/session").status_code == 401
    assert sign_in(station, "Emi Sato", "another long one") == 401
    assert "Emi Sato\tviewer\tdisabled" in command("people", "list")


def test_a_link_signs_in_once(station: TestClient, command: Command) -> None:
    link = urlsplit(command("people", "add", "Ken", "--link", "http://press-3:8080/"))
    assert (link.netloc, link.path) == ("press-3:8080", "/sign-in")
    assert station.post("/api/v1/session/link", json={"token": link.fragment}).status_code == 201
    assert station.get("/api/v1/session").json()["name"] == "Ken"
    again = station.post("/api/v1/session/link", json={"token": link.fragment})
    assert again.status_code == 401
    assert "used before" in again.json()["detail"]


def test_keys_are_scoped_rotated_with_overlap_and_revoked(station: TestClient, command: Command) -> None:
    first = command("stations", "key", "press-3")
    assert post_with(station, first) == 201
    assert post_with(station, first, station="press-4") == 403
    second = command("stations", "key", "press-3")
    assert [post_with(station, key) for key in (first, second)] == [200, 200]
    third = command("stations", "key", "press-3", "--overlap-days", "0")
    listed = [line.split("\t")[-1] for line in command("stations", "keys").splitlines() if "press-3" in line]
    assert listed == ["open", "ended", "ended"]
    assert post_with(station, third) == 200
    number = command("stations", "keys").split("\t")[0]
    command("stations", "revoke", number)
    assert command("stations", "keys").splitlines()[0].endswith("ended")


def test_a_key_for_all_stations_that_begin_alike(station: TestClient, command: Command) -> None:
    key = command("stations", "key", "press-*")
    assert post_with(station, key, station="press-9") == 201
    assert post_with(station, key, station="lathe-1") == 403


@pytest.mark.parametrize(
    ("words", "typed", "refusal"),
    [
        (("people", "add", "Ken"), "short\n", "password: has 5 characters"),
        (("people", "add", "Aiko"), f"{PASSWORD}\n", "person Aiko: is there already"),
        (("people", "role", "Nobody", "admin"), "", "person Nobody: does not exist"),
        (("people", "add", "a\tb"), f"{PASSWORD}\n", "name: "),
        (("stations", "revoke", "4711"), "", "key 4711: does not exist"),
    ],
)
def test_refusals_are_one_line(
    station: TestClient, command: Command, words: tuple[str, ...], typed: str, refusal: str
) -> None:
    make_session(runtime_of(station).database, "Aiko", Role.VIEWER)
    with pytest.raises(KensaError, match=refusal) as told:
        command(*words, typed=typed)
    assert "\n" not in str(told.value)
