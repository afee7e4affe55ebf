"""Database and image store stop, fill up and come back: parts are held or sent again, and nothing passes unseen."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from inspection.inspector import Inspector
from service.app import create_app
from service.settings import read_settings
from service.storage import prepare_storage
from tests.bundles import part_png
from tests.service.camera import post, posted, runtime_of, stored_count
from tests.service.conftest import MakeStation
from tests.service.credentials import LetIn
from tests.service.faults.conftest import OwnPostgresql


def assert_sent_back(client: TestClient, trigger: object) -> None:
    """The camera is told to hold the part and to send it again; nothing was recorded."""
    answer = post(client, trigger)
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["verdict"]) == (503, "5", "HOLD")


def look(client: TestClient) -> dict[str, str]:
    """Alarms that stand after the watch has looked, by name."""
    runtime = runtime_of(client)
    runtime.disk.look()
    return {alarm.name: alarm.detail for alarm in runtime.alarms.standing()}


def test_postgresql_is_stopped_and_comes_back(
    tmp_path: Path, inspector: Inspector, own_postgresql: OwnPostgresql
) -> None:
    settings = read_settings(data=tmp_path / "data", database_url=own_postgresql.url, database_patience_s=2.0)
    prepare_storage(settings)
    with TestClient(create_app(settings, inspector), raise_server_exceptions=False) as client:
        client.auth = LetIn(runtime_of(client).database)
        kept = posted(client, "before", spot=0.9)
        own_postgresql.stop()
        assert_sent_back(client, "during")
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").json()["checks"]["database"]["ok"] is False
        own_postgresql.start()
        healed = post(client, "during")
        assert (healed.status_code, healed.json()["verdict"]) == (201, "PASS")
        assert client.get(kept["links"]["self"]).json() == kept
        assert stored_count(client) == 2


def test_postgresql_hangs_and_goes_on(tmp_path: Path, inspector: Inspector, own_postgresql: OwnPostgresql) -> None:
    settings = read_settings(data=tmp_path / "data", database_url=own_postgresql.url, database_patience_s=2.0)
    prepare_storage(settings)
    with TestClient(create_app(settings, inspector), raise_server_exceptions=False) as client:
        client.auth = LetIn(runtime_of(client).database)
        kept = posted(client, "before", spot=0.9)
        with own_postgresql.hanging():
            assert_sent_back(client, "during")
            assert client.get("/health/live").status_code == 200
        # 200 where the statement that hung went on: the verdict is the first one, and there once.
        healed = post(client, "during")
        assert (healed.status_code in (200, 201), healed.json()["verdict"]) == (True, "PASS")
        assert client.get(kept["links"]["self"]).json() == kept
        assert stored_count(client) == 2


def test_a_locked_sqlite_file_is_told_and_heals(tmp_path: Path, inspector: Inspector) -> None:
    settings = read_settings(data=tmp_path / "data", database_patience_s=0.3)
    prepare_storage(settings)
    with TestClient(create_app(settings, inspector), raise_server_exceptions=False) as client:
        client.auth = LetIn(runtime_of(client).database)
        posted(client, "before")
        other = sqlite3.connect(tmp_path / "data" / "kensa.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert_sent_back(client, "during")
        other.execute("ROLLBACK")
        other.close()
        # 200 where the verdict got into the file the moment the lock was gone: it is the first one, and there once.
        healed = post(client, "during")
        assert (healed.status_code in (200, 201), healed.json()["verdict"]) == (True, "PASS")
        assert stored_count(client) == 2


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[None]:
    """A file system of that size at `folder`. Skips where this process may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mount.returncode != 0:
        pytest.skip("may not mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_is_told_early_and_then_holds(tmp_path: Path, make_station: MakeStation) -> None:
    with small_disk(tmp_path / "data" / "images", 8):
        client = make_station(disk_low_mb=5, disk_reserve_mb=3)
        filler = tmp_path / "data" / "images" / "filler"
        assert look(client) == {}
        assert posted(client, 1)["verdict"] == "PASS"
        filler.write_bytes(bytes(4 * 2**20))
        assert set(look(client)) == {"disk_low"}
        assert posted(client, 2)["verdict"] == "PASS"
        filler.write_bytes(bytes(6 * 2**20))
        assert set(look(client)) == {"disk_low", "disk_full"}
        held = post(client, 3).json()
        assert (held["verdict"], held["reason"], held["links"]["image"]) == ("HOLD", "image_not_stored", None)
        assert "the disk is full" in held["detail"]
        assert client.get("/health/ready").status_code == 503
        filler.unlink()
        assert "disk_full" not in look(client)
        assert posted(client, 4)["verdict"] == "PASS"
        assert post(client, 3).json() == held
        assert stored_count(client) == 4


def test_a_disk_without_a_single_byte_holds(tmp_path: Path, make_station: MakeStation) -> None:
    with small_disk(tmp_path / "data" / "images", 1):
        client = make_station(disk_low_mb=0, disk_reserve_mb=0)
        (tmp_path / "data" / "images" / "filler").write_bytes(bytes(2**20 - 4096))
        held = post(client, 1, part_png(1) + bytes(8192)).json()
        assert (held["verdict"], held["reason"]) == ("HOLD", "image_not_stored")
        assert "No space left on device" in held["detail"]
        assert "image_store_failing" in look(client)


def test_a_read_only_image_store_holds_and_heals(tmp_path: Path, make_station: MakeStation) -> None:
    images = tmp_path / "data" / "images"
    with small_disk(images, 8):
        client = make_station(disk_low_mb=0, disk_reserve_mb=0)
        kept = posted(client, 1)
        subprocess.run(["mount", "-o", "remount,ro", str(images)], check=True)
        held = post(client, 2, part_png(50)).json()
        assert (held["verdict"], held["reason"]) == ("HOLD", "image_not_stored")
        assert client.get(kept["links"]["image"]).content == part_png(1)
        subprocess.run(["mount", "-o", "remount,rw", str(images)], check=True)
        assert post(client, 3, part_png(50)).json()["verdict"] == "PASS"
        assert os.listdir(images / ".incoming") == []
