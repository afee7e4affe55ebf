"""Trends of a real record: by hour, shift and day, as a page, CSV and JSON."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.tallies.operations import catch_up
from service.trends.operations import read_trends
from service.trends.rules import Rule
from service.trends.schemas import ChartName, Span
from tests.service.camera import runtime_of
from tests.service.record import BUNDLE, Given, record

NOW = datetime(2026, 11, 23, 12, 20, tzinfo=UTC)


def hours(count: int, share: float, *, seed: int, end: datetime = NOW, parts: int = 40) -> list[Given]:
    """Some parts each hour up to `end`, of which `share` is flagged."""
    chance = np.random.default_rng(seed)
    return [
        Given(
            float(0.6 if chance.random() < share else chance.uniform(0.1, 0.3)),
            float(chance.uniform(0.1, 0.2)),
            part=f"{seed}-{hour}-{number}",
            received_at=end - timedelta(hours=hour, minutes=15),
        )
        for hour in range(count, 0, -1)
        for number in range(parts)
    ]


@pytest.fixture
def filled(station: TestClient) -> TestClient:
    database = runtime_of(station).database
    record(database, hours(30, 0.05, seed=1, end=NOW - timedelta(hours=2)))
    record(database, hours(2, 0.5, seed=2))
    catch_up(database, now=NOW)
    return station


def test_a_bad_hour_is_marked_and_the_others_are_not(filled: TestClient) -> None:
    trends = read_trends(runtime_of(filled), "press-3", Span.HOURS, now=NOW)
    flagged = next(chart for chart in trends.charts if chart.name is ChartName.FLAGGED)
    assert len(flagged.points) == 32
    assert sum(point.count for point in flagged.points) == 32 * 40
    assert [Rule.BEYOND in point.rules for point in flagged.points] == [False] * 30 + [True] * 2
    assert flagged.points[-1].start == datetime(2026, 11, 23, 11, tzinfo=UTC)


@pytest.mark.parametrize(("span", "count"), [(Span.SHIFTS, 5), (Span.DAYS, 3)])
def test_shifts_and_days_hold_the_same_parts(filled: TestClient, span: Span, count: int) -> None:
    chart = read_trends(runtime_of(filled), "press-3", span, now=NOW).charts[0]
    assert len(chart.points) == count
    assert sum(point.count for point in chart.points) == 32 * 40
    assert all(point.centre is None for point in chart.points)


def test_a_new_bundle_has_limits_of_its_own(filled: TestClient) -> None:
    record(runtime_of(filled).database, hours(1, 0.0, seed=9), bundle_id="bundle-new")
    trends = read_trends(runtime_of(filled), "press-3", Span.HOURS, now=NOW)
    last = trends.charts[1].points[-1]
    assert (last.bundle_id, last.centre, last.count) == ("bundle-new", None, 40)
    assert trends.charts[1].points[-2].bundle_id == BUNDLE


def test_page_csv_and_json_say_the_same(station: TestClient) -> None:
    record(runtime_of(station).database, hours(20, 0.1, seed=4, end=datetime.now(UTC), parts=3))
    asked = {"station": "press-3", "span": "hours"}
    body = station.get("/api/v1/trends", params=asked).json()
    rows = list(csv.DictReader(io.StringIO(station.get("/api/v1/trends.csv", params=asked).text.lstrip("\ufeff"))))
    assert len(rows) == sum(len(chart["points"]) for chart in body["charts"])
    assert {row["chart"] for row in rows} == {"flagged", "local", "global"}
    assert float(rows[0]["value"]) == body["charts"][0]["points"][0]["value"]
    page = station.get("/trends", params=asked).text
    assert page.count("data-figure=") == 3
    assert page.count("<tbody>") == 3


def test_a_station_that_sent_nothing(station: TestClient) -> None:
    assert "No station has sent anything yet" in station.get("/trends").text
    assert station.get("/api/v1/trends", params={"station": "nowhere"}).status_code == 404
    assert station.get("/api/v1/trends", params={"station": "a", "span": "years"}).status_code == 422
