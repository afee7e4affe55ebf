"""The wall screen: counts of this shift, what waits, what stands out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient

from service.alarms import ALARMS, Told
from service.overview.operations import look
from service.overview.wording import ALARM_WORDS
from service.web.languages import mark
from tests.service.camera import INSPECTIONS, posted, runtime_of
from tests.service.record import Given, record


def test_every_alarm_has_words_for_the_wall() -> None:
    assert ALARM_WORDS.keys() == ALARMS.keys()


def test_an_empty_line(station: TestClient) -> None:
    line = station.get("/api/v1/overview").json()
    assert (line["stations"], line["yield_rate"], line["held_waiting_count"]) == ([], None, 0)
    assert "No station has sent anything" in station.get("/overview").text


def test_what_each_station_does_in_this_shift(station: TestClient) -> None:
    for number in range(3):
        posted(station, number)
    posted(station, 3, spot=0.9)
    held = posted(station, 4, spot=0.35)
    assert held["verdict"] == "HOLD"
    posted(station, 5, station="press-4")
    line = station.get("/api/v1/overview").json()
    first, second = line["stations"]
    assert [first[name] for name in ("station", "pass_count", "hold_count", "fail_count")] == ["press-3", 3, 1, 1]
    assert (first["yield_rate"], second["yield_rate"], line["inspected_count"]) == (0.6, 1.0, 6)
    assert first["latest"]["inspection_id"] == held["id"]
    assert line["held_waiting_count"] == 1
    assert line["oldest_held_at"] == held["received_at"]
    assert line["bundle_id"] == runtime_of(station).inspector.bundle_id
    station.post(f"{INSPECTIONS}/{held['id']}/dispositions", json={"decision": "false_alarm"})
    after = station.get("/api/v1/overview").json()
    assert (after["held_waiting_count"], after["oldest_held_at"]) == (0, None)


def test_a_new_shift_begins_at_nothing_and_a_silent_station_is_told(station: TestClient) -> None:
    runtime = runtime_of(station)
    now = datetime.now(UTC)
    shift = runtime.shifts.at(now)
    record(runtime.database, [Given(0.1, received_at=shift.start - timedelta(minutes=1), part="before")])
    record(runtime.database, [Given(0.1, received_at=shift.start + timedelta(seconds=1), part="after")])
    [found] = look(runtime, now=shift.start + timedelta(hours=1)).stations
    assert (found.total, found.is_silent) == (1, True)
    [later] = look(runtime, now=shift.end + timedelta(hours=1)).stations
    assert (later.total, later.yield_rate, later.is_silent) == (0, None, False)
    assert look(runtime, now=now + timedelta(days=9)).stations == []


def test_alarms_and_a_shut_station_stand_on_the_board(station: TestClient) -> None:
    posted(station, 1)
    body = {"station": "press-3", "part_id": "known", "expectation": "pass"}
    station.post("/api/v1/challenges/parts", json=body)
    station.post("/api/v1/challenges/acts", json={"station": "press-3", "kind": "repeat", "note": "x"})
    free = Told(mark("%(free)s MB are free at %(folder)s"), {"free": 1200, "folder": "/data"})
    runtime_of(station).alarms.raise_alarm("disk_low", [free])
    board = station.get("/overview/board").text
    assert "Disk filling up" in board
    assert "1,200 MB are free at /data" in board
    assert "challenge parts due" in board
    assert "<html" not in board


def test_alarms_are_told_in_the_readers_language(station: TestClient) -> None:
    alarms = runtime_of(station).alarms
    alarms.raise_alarm("clock_set_back", [Told(mark("by %(seconds)s s"), {"seconds": 4711})])
    alarms.raise_alarm(
        "image_store_failing", [Told(mark("bundle %(name)s"), {"name": "b-1"}, cause="manifest.json: gone")]
    )
    alarms.raise_alarm("overloaded", "64 images were waiting")
    english, japanese = (station.get("/overview/board", headers={"Accept-Language": one}).text for one in ("en", "ja"))
    for told in ("by 4,711 s", "bundle b-1: manifest.json: gone", "64 images were waiting"):
        assert f"<small>{told}</small>" in english
    assert "<small>4,711 秒</small>" in japanese
    assert "<small>バンドル b-1</small>" in japanese
    assert "gone" not in japanese
    assert "images were waiting" not in japanese
    [clock, _, overloaded] = station.get("/api/v1/overview").json()["alarms"]
    assert (clock["detail"], overloaded["detail"]) == ("by 4711 s", "64 images were waiting")
