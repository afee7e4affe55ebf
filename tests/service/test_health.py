"""Alive, and ready for parts."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from inspection.inspector import Inspector
from tests.service.camera import store_of


def test_a_running_station_is_ready(station: TestClient, inspector: Inspector) -> None:
    assert station.get("/health/live").json() == {"status": "live"}
    body = station.get("/health/ready").json()
    assert body["ready"] is True
    checked = {"bundle", "database", "image_store", "disk", "scoring"}
    assert {name for name, check in body["checks"].items() if check["ok"]} == checked
    assert body["checks"]["bundle"]["detail"] == inspector.bundle_id


def test_a_silent_database_is_not_ready_but_alive(station: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    monkeypatch.setattr("service.db.engine.Database.check", silent)
    answer = station.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["database"]["ok"]) == (503, False)
    assert station.get("/health/live").status_code == 200


def test_a_blocked_store_is_not_ready(station: TestClient) -> None:
    incoming = store_of(station).incoming
    incoming.rmdir()
    incoming.write_text("in the way")
    answer = station.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["image_store"]["ok"]) == (503, False)
