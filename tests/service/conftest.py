"""A station for every test, once on SQLite and once on a real PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from inspection.bundle.reader import open_bundle
from inspection.inspector import Inspector
from service.app import create_app
from service.settings import read_settings
from service.storage import prepare_storage
from tests.bundles import make_bundle
from tests.postgresql import run_postgresql
from tests.service.camera import runtime_of
from tests.service.credentials import LetIn

MakeStation = Callable[..., TestClient]
_numbers = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def plain_log() -> None:
    """structlog's own default draws every variable of every frame, which takes seconds."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bundles") / "tiny"
    make_bundle(directory)
    return directory


@pytest.fixture(scope="session")
def inspector(bundle: Path) -> Inspector:
    return open_bundle(bundle, threads=1)


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """One server for the session."""
    with run_postgresql(tmp_path_factory.mktemp("runtime")) as server:
        yield make_url(server.get_uri(driver="psycopg"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind; on PostgreSQL a schema of its own, which is made much faster."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'kensa.db'}"
        return
    url: URL = request.getfixturevalue("postgresql_url")
    name = f"kensa_{next(_numbers)}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    yield url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    admin.dispose()


@pytest.fixture
def make_station(tmp_path: Path, database_url: str, inspector: Inspector) -> Iterator[MakeStation]:
    """Start a station as the command does; options are those of its settings, or another inspector."""
    with ExitStack() as stack:

        def make(inspector: Inspector = inspector, **options: object) -> TestClient:
            # The disk of whoever runs the tests is their own matter.
            given = {"disk_low_mb": 0, "disk_reserve_mb": 0, **options}
            settings = read_settings(data=tmp_path / "data", database_url=database_url, **given)
            prepare_storage(settings)
            app = create_app(settings, inspector)
            client = stack.enter_context(TestClient(app, raise_server_exceptions=False))
            client.auth = LetIn(runtime_of(client).database)
            return client

        yield make


@pytest.fixture
def station(make_station: MakeStation) -> TestClient:
    return make_station()
