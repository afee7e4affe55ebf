"""Drift at a running station: the alarm, what it withdraws, its page, and how it ends."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert

from service.db.first_sight import id_on_first_sight
from service.db.tables import Lot, Part, Station, StoredInspection
from service.drift import operations
from tests.bundles import make_bundle, part_png
from tests.service.camera import post, posted, runtime_of
from tests.service.test_problems import assert_problem

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
_LOT_PARTS = 100


def record_shift(
    client: TestClient, count: int, *, first: int = 0, local: float = 1.0, whole: float = 1.0, station: str = "press-3"
) -> None:
    """Put parts on record as intake does; their scores are multiplied by that much."""
    runtime = runtime_of(client)
    rng = np.random.default_rng(first)
    with runtime.database.writing() as session:
        station_id = id_on_first_sight(session, Station, station, START)
        rows = []
        for number in range(first, first + count):
            lot_id = id_on_first_sight(session, Lot, f"L{number // _LOT_PARTS}", START)
            rows.append(
                {
                    "station_id": station_id,
                    "part_id": id_on_first_sight(session, Part, f"part-{number}", START),
                    "lot_id": lot_id,
                    "trigger_id": f"{station}/{number}",
                    "image_number": 1,
                    "received_at": START + number * timedelta(seconds=30),
                    "arrived_late": False,
                    "arrived_out_of_order": False,
                    "verdict": "PASS",
                    "reason": "normal",
                    "detail": "",
                    "local_score": local * float(rng.gamma(9.0, 0.004)),
                    "global_score": whole * float(rng.gamma(9.0, 0.002)),
                    "part_score": 0.5,
                    "regions": [],
                    "bundle_id": runtime.inspector.bundle_id,
                    "profile_version": 0,
                    "timings_ms": {},
                }
            )
        session.execute(insert(StoredInspection), rows)


def follow(client: TestClient) -> None:
    """As the watch does, until nothing is left."""
    runtime = runtime_of(client)
    while operations.catch_up(runtime.database, rate=runtime.drift_rate):
        pass
    client.portal.call(runtime.in_force.refresh)  # type: ignore[union-attr]


def drift_of(client: TestClient) -> dict[str, Any]:
    body: dict[str, Any] = client.get("/api/v1/drift").json()
    return body


@pytest.fixture
def quiet_station(make_station: Any) -> TestClient:
    """One whose watch does not look by itself while a test does."""
    client: TestClient = make_station(watch_s=3600.0)
    return client


def test_a_view_that_moves_widens_hold_until_somebody_has_looked(quiet_station: TestClient) -> None:
    station = quiet_station
    before = posted(station, "before")["thresholds"]
    record_shift(station, 740)
    follow(station)
    assert drift_of(station)["alarms"] == []
    assert drift_of(station)["stations"][0]["is_learning"] is False
    record_shift(station, 200, first=740, whole=2.0)
    follow(station)
    [alarm] = drift_of(station)["alarms"]
    assert (alarm["station"], alarm["kind"], alarm["ended_at"]) == ("press-3", "global", None)
    assert abs(alarm["since_inspection_id"] - 742) <= 40
    assert alarm["ewma"] > 0
    during = posted(station, "during")["thresholds"]
    for score in ("local", "global"):
        widths = [limits[score]["fail_limit"] - limits[score]["pass_limit"] for limits in (before, during)]
        assert widths[1] == pytest.approx(2 * widths[0])
        assert during[score]["pass_limit"] < before[score]["pass_limit"]
    assert posted(station, "elsewhere", station="press-4")["thresholds"] == before
    answer = station.post(f"/api/v1/drift/{alarm['id']}/end", json={"note": "lamp replaced"})
    assert (answer.status_code, answer.json()["ended_by"]) == (200, "Aiko Tanaka")
    assert posted(station, "after")["thresholds"] == before
    assert_problem(station.post(f"/api/v1/drift/{alarm['id']}/end", json={"note": "again"}), 409)
    trail = [(one["action"], one["actor"]) for one in station.get("/api/v1/audit").json()["items"]]
    assert ("drift", "service") in trail
    assert ("drift_ended", "Aiko Tanaka") in trail


def test_a_product_that_changes_is_told_apart_and_changes_no_verdict(quiet_station: TestClient) -> None:
    station = quiet_station
    before = posted(station, "before")["thresholds"]
    record_shift(station, 740)
    record_shift(station, 200, first=740, local=2.0)
    follow(station)
    assert [alarm["kind"] for alarm in drift_of(station)["alarms"]] == ["local"]
    assert posted(station, "during")["thresholds"] == before


def test_what_regions_say_follows_from_a_view_that_has_moved(quiet_station: TestClient) -> None:
    station = quiet_station
    record_shift(station, 740)
    record_shift(station, 260, first=740, local=2.0, whole=2.5)
    follow(station)
    kinds = [alarm["kind"] for alarm in drift_of(station)["alarms"]]
    assert kinds.count("global") == 1
    assert len(kinds) <= 2


def test_another_bundle_ends_the_alarm_by_itself(quiet_station: TestClient, tmp_path: Path) -> None:
    station = quiet_station
    record_shift(station, 740)
    record_shift(station, 200, first=740, whole=2.0)
    follow(station)
    expected = np.full((64, 64, 3), 131, np.uint8)
    manifest = make_bundle(tmp_path / "new", expected=expected)
    folder = runtime_of(station).shelf.directory
    folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "new").rename(folder / manifest.bundle_id)
    assert station.post("/api/v1/bundles/promotions", json={"bundle_id": manifest.bundle_id}).status_code == 201
    # At once, and not only when the first parts have come: the alarm was made for another calibration.
    limits = posted(station, "new")["thresholds"]["local"]
    assert limits["fail_limit"] - limits["pass_limit"] == pytest.approx(0.12)
    record_shift(station, 40, first=940)
    follow(station)
    [alarm] = drift_of(station)["alarms"]
    assert alarm["ended_by"] == "service"


def test_a_record_that_is_older_than_drift_is_not_raked_up(quiet_station: TestClient) -> None:
    station = quiet_station
    record_shift(station, 1500)
    record_shift(station, 1900, first=1500)
    follow(station)
    with runtime_of(station).database.reading() as session:
        points = operations.queries.find_points(session, 1, limit=10_000)
    assert min(point.first_inspection_id for point in points) > 1400


def test_the_watch_raises_the_alarm_and_lowers_it(make_station: Any) -> None:
    station: TestClient = make_station(watch_s=0.02)
    record_shift(station, 740)
    record_shift(station, 200, first=740, whole=2.0)
    alarms = runtime_of(station).alarms
    _until(lambda: alarms.is_standing("drift_global"))
    [alarm] = drift_of(station)["alarms"]
    station.post(f"/api/v1/drift/{alarm['id']}/end", json={"note": "mended"})
    _until(lambda: not alarms.is_standing("drift_global"))
    assert not alarms.is_standing("drift_local")


def _until(is_so: Any) -> None:
    for _ in range(1000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("never came")


def test_the_page_shows_before_and_after(quiet_station: TestClient) -> None:
    station = quiet_station
    assert "No station has judged enough parts yet." in station.get("/drift").text
    for number in range(5):
        post(station, f"shown-{number}", part_png(number))
    record_shift(station, 740)
    record_shift(station, 200, first=740, whole=2.0)
    for number in range(5, 8):
        post(station, f"shown-{number}", part_png(number))
    follow(station)
    page = station.get("/drift").text
    assert "press-3: Camera, light or pose has moved" in page
    assert page.count('class="drift-side"') == 2
    assert "/review/5/picture?size=thumbnail" in page
    assert 'data-post="/api/v1/drift/1/end"' in page
    assert "<polyline" in page
    station.post("/api/v1/drift/1/end", json={"note": "lens cleaned"})
    assert "lens cleaned" in station.get("/drift").text


def test_the_state_of_a_station_survives_a_restart(quiet_station: TestClient) -> None:
    station = quiet_station
    for first in range(0, 740, 74):
        record_shift(station, 74, first=first)
        follow(station)
    record_shift(station, 200, first=740, whole=2.0)
    follow(station)
    assert [alarm["kind"] for alarm in drift_of(station)["alarms"]] == ["global"]
    assert json.dumps(drift_of(station))
