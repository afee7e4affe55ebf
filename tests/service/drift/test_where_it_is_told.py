"""A finding of drift is told where it matters: on the wall, at the station's charts, and at each part it concerns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from service.db.tables import StoredInspection
from service.drift.tables import DriftAlarm, DriftKind
from tests.service.camera import posted, runtime_of

MOVED = "Camera, light or pose has moved"


@pytest.fixture
def parts(station: TestClient) -> list[int]:
    """Before the scores moved, and after; of another station."""
    return [posted(station, n, spot=0.9)["id"] for n in range(3)] + [posted(station, 9, station="press-4")["id"]]


def raise_alarm(client: TestClient, since_id: int, **others: object) -> int:
    with runtime_of(client).database.writing() as session:
        row = session.get_one(StoredInspection, since_id)
        values = {"kind": DriftKind.GLOBAL, "ewma": 4.2, "bundle_id": row.bundle_id, "profile_version": 0, **others}
        numbers = {"since_inspection_id": since_id, "noticed_inspection_id": since_id}
        alarm = DriftAlarm(station_id=row.station_id, noticed_at=datetime.now(UTC), **values, **numbers)
        session.add(alarm)
        session.flush()
        return alarm.id


def test_an_alarm_that_stands_is_linked_from_everywhere(station: TestClient, parts: list[int]) -> None:
    link = f'href="/drift#alarm-{raise_alarm(station, parts[1])}"'
    assert f'id="{link[13:-1]}"' in station.get("/drift").text
    board = station.get("/overview/board").text
    assert board.count(link) == 1
    assert MOVED in board
    assert link in station.get("/trends?station=press-3").text
    assert link not in station.get("/trends?station=press-4").text
    assert [link in station.get(f"/review/{number}").text for number in parts] == [False, True, True, False]
    [press_3, press_4] = station.get("/api/v1/overview").json()["stations"]
    assert press_3["drift"]["since_inspection_id"] == parts[1]
    assert press_4["drift"] is None


def test_an_alarm_that_is_over_is_told_at_the_parts_of_its_time(station: TestClient, parts: list[int]) -> None:
    database = runtime_of(station).database
    with database.writing() as session:
        session.get_one(StoredInspection, parts[2]).received_at = datetime.now(UTC) + timedelta(hours=1)
    ended = {"ended_at": datetime.now(UTC) + timedelta(minutes=1), "ended_by": "Aiko", "note": "lamp replaced"}
    raise_alarm(station, parts[1], kind=DriftKind.LOCAL, **ended)
    told = ["Product or process has changed" in station.get(f"/review/{number}").text for number in parts]
    assert told == [False, True, False, False]
    assert "/drift#alarm" not in station.get("/overview/board").text
    assert "/drift#alarm" not in station.get("/trends?station=press-3").text
