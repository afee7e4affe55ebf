"""What was answered is on record, and what could not be put on record was not answered."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, text

from inspection.images.digest import sha256_of_bytes
from tests.bundles import part_png
from tests.service.camera import post, posted, runtime_of, store_of, stored_count, stored_files


def refuse_pages(connection: SqliteConnection, _record: object) -> None:
    """As if the disk were full: the database may not grow."""
    connection.execute("PRAGMA max_page_count=1").close()


@contextmanager
def without_writes(engine: Engine) -> Iterator[None]:
    """A database that answers but takes nothing: a full disk of SQLite, a standby of PostgreSQL."""
    is_sqlite = engine.dialect.name == "sqlite"
    if is_sqlite:
        event.listen(engine, "connect", refuse_pages)
    else:
        set_read_only(engine, "on")
    engine.dispose()
    try:
        yield
    finally:
        if is_sqlite:
            event.remove(engine, "connect", refuse_pages)
        else:
            set_read_only(engine, "off")
        engine.dispose()


def set_read_only(engine: Engine, state: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if state == "off":
            connection.execute(text("SET default_transaction_read_only = off"))
        database = engine.url.database
        connection.execute(text(f"ALTER DATABASE {database} SET default_transaction_read_only = {state}"))


def fill_sqlite(client: TestClient) -> None:
    """Use up the free pages of the database's file, so that the next row needs a new one."""
    if runtime_of(client).database.engine.dialect.name == "sqlite":
        for trigger in range(40):
            posted(client, f"filling-{trigger}", lot=f"lot-{trigger}-{'x' * 100}")


def assert_refused(client: TestClient, trigger: object, image: bytes) -> None:
    answer = post(client, trigger, image)
    assert answer.status_code == 503, answer.text
    assert answer.headers["Retry-After"]
    assert answer.json()["verdict"] == "HOLD"
    assert answer.json()["remedy"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_full_image_store_holds_and_leaves_nothing_half_written(
    station: TestClient, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    kept = posted(station, "before", spot=0.9)
    before = stored_files(station)

    def refuse(_descriptor: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr("service.images.durably.os.fsync", refuse)
        patch.setattr("service.images.durably.WholeDisk._sync", refuse)
        assert_not_stored(station, "during", part_png(77))
    assert stored_files(station) == before
    assert stored_count(station) == 2
    assert post(station, "after", part_png(77)).json()["verdict"] == "PASS"
    assert station.get(kept["links"]["self"]).json() == kept


def assert_not_stored(client: TestClient, trigger: object, image: bytes) -> None:
    """The part is held on record without its picture, a retry says the same, and a person is told."""
    answer = post(client, trigger, image)
    body = answer.json()
    assert (answer.status_code, body["verdict"], body["reason"]) == (201, "HOLD", "image_not_stored")
    assert (body["local_score"], body["links"]["image"], body["links"]["heat_map"]) == (None, None, None)
    assert post(client, trigger, image).json() == body
    assert client.get(f"{body['links']['self']}/image").status_code == 404
    assert "could not be stored" in client.get(body["links"]["review"]).text


def test_a_store_that_is_gone_holds(station: TestClient) -> None:
    directory = Path(runtime_of(station).image_store.place)
    directory.rename(directory.with_name("elsewhere"))
    directory.write_text("a file where the folder was")
    assert_not_stored(station, 1, part_png())
    assert stored_count(station) == 1
    assert station.get("/health/ready").status_code == 503


def test_a_database_that_takes_nothing_refuses(station: TestClient) -> None:
    fill_sqlite(station)
    kept = posted(station, "before", spot=0.9)
    count = stored_count(station)
    with without_writes(runtime_of(station).database.engine):
        for trigger in range(40):
            if post(station, trigger, part_png(trigger)).status_code == 503:
                break
        assert_refused(station, "during", part_png(77))
        assert station.get(kept["links"]["self"]).json() == kept
    assert station.get("/api/v1/inspections?limit=200").json()["items"][0]["trigger_id"] != "during"
    assert stored_count(station) in range(count, count + 40)
    assert post(station, "during", part_png(77)).status_code == 201


def test_a_lost_image_says_so(station: TestClient) -> None:
    body = posted(station, 1, spot=0.9)
    image = part_png(1, spot=0.9)
    store_of(station).path_of(sha256_of_bytes(image)).unlink()
    answer = station.get(body["links"]["image"])
    assert answer.status_code == 404
    assert "backup" in answer.json()["remedy"]
    assert station.get(body["links"]["self"]).json() == body


def test_sqlite_syncs_every_commit(station: TestClient) -> None:
    engine = runtime_of(station).database.engine
    if engine.dialect.name != "sqlite":
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
        return
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_stations_record_survives_its_restart(tmp_path: Path, station: TestClient) -> None:
    body = posted(station, 1, spot=0.9)
    runtime_of(station).database.engine.dispose()
    assert station.get(body["links"]["self"]).json() == body
    assert (tmp_path / "data" / "images").is_dir()
