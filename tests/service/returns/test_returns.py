"""The report on returns: its sums, its period, and the parts behind each number."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert

from service.returns.money import figure_out
from service.returns.period import period_of
from service.returns.schemas import Counted, PartsOf, ReturnsQuery
from service.spot_checks.tables import DrawnFrom, SpotCheck
from tests.service.camera import INSPECTIONS, runtime_of
from tests.service.record import Given, record

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
COUNTED = Counted(inspected=9000, flagged=300, caught=60, false_alarms=200, overkill=40, decided=280, missed=1)


def test_the_sums_by_hand() -> None:
    inputs = ReturnsQuery(
        escape_cost=200, overkill_cost=5, hour_cost=36, review_s=20, caught_before=0.25, hours_saved=10,
        model_cost=1000, hardware_cost=9000, running_cost=50,
    )  # fmt: skip
    found = figure_out(COUNTED, inputs, months=2.0)
    assert found.escapes_avoided == 45
    assert found.avoided_cost == 9000
    assert found.saved_work_cost == 10 * 36 * 2
    assert found.overkill_cost == 200
    assert found.review_cost == pytest.approx(280 * 20 / 3600 * 36)
    assert found.gain == pytest.approx(9000 + 720 - 200 - 56 - 100)
    assert found.payback_months == pytest.approx(10_000 / (found.gain / 2))


def test_what_costs_more_than_it_brings_pays_nothing_back() -> None:
    found = figure_out(COUNTED, ReturnsQuery(escape_cost=0), months=1.0)
    assert found.gain < 0
    assert found.payback_months is None


@pytest.mark.parametrize(
    ("first", "last", "days", "since"),
    [
        (None, None, 30, "2026-10-25T15:00+00:00"),
        (date(2026, 11, 1), date(2026, 11, 2), 2, "2026-10-31T15:00+00:00"),
        (date(2026, 11, 9), date(2026, 11, 2), 1, "2026-11-01T15:00+00:00"),
    ],
)
def test_days_are_those_of_the_plant(first: date | None, last: date | None, days: int, since: str) -> None:
    period = period_of(first, last, ZoneInfo("Asia/Tokyo"), now=NOW)
    assert period.since == datetime.fromisoformat(since)
    assert period.until - period.since == timedelta(days=days)


@pytest.fixture
def filled(station: TestClient) -> TestClient:
    """Held 0.6, failed 0.9, passed 0.1; some decided."""
    now = datetime.now(UTC)
    scores = [0.1] * 20 + [0.6] * 4 + [0.9] * 5
    ids = record(runtime_of(station).database, [Given(s, part=f"p{n}", received_at=now) for n, s in enumerate(scores)])
    decisions = {20: "confirmed_defect", 21: "false_alarm", 24: "false_alarm", 25: "confirmed_defect", 26: "unclear"}
    for place, decision in decisions.items():
        answer = station.post(f"{INSPECTIONS}/{ids[place]}/dispositions", json={"decision": decision})
        assert answer.status_code == 201
    record(runtime_of(station).database, [Given(0.9, received_at=now - timedelta(days=60), part="old")])
    return station


def listed(client: TestClient, of: str, **others: str) -> int:
    page = client.get("/returns/parts", params={"of": of, **others})
    assert page.status_code == 200
    return len(re.findall(r'<a href="/review/\d+">', page.text))


def test_every_number_opens_the_parts_behind_it(filled: TestClient) -> None:
    body = filled.get("/api/v1/returns").json()
    assert body["counted"] == {
        "inspected": 29,
        "flagged": 9,
        "caught": 2,
        "false_alarms": 2,
        "overkill": 1,
        "decided": 5,
        "missed": 0,
    }
    assert {of.value: listed(filled, of) for of in PartsOf} == body["counted"] | {"checked": 0}
    page = filled.get("/returns").text
    for name in body["counted"]:
        assert f"/returns/parts?of={name}" in page
    assert body["escapes"] is None


def test_the_estimate_of_escapes_opens_what_it_stands_on(station: TestClient) -> None:
    """Of five that passed and were drawn, two count: one waits, one is in dispute, one came before the period."""
    database, now = runtime_of(station).database, datetime.now(UTC)
    arrived = [now] * 5 + [now - timedelta(days=60)]
    ids = record(database, [Given(0.1, part=f"p{n}", received_at=at) for n, at in enumerate(arrived)])
    with database.writing() as session:
        drawn = {"drawn_from": DrawnFrom.PASSED, "probability": 0.1, "drawn_at": now}
        session.execute(insert(SpotCheck), [drawn | {"inspection_id": ids[place]} for place in (0, 1, 2, 3, 5)])
    for place, decision in {0: "false_alarm", 1: "confirmed_defect", 2: "unclear", 4: "unclear", 5: "unclear"}.items():
        station.post(f"{INSPECTIONS}/{ids[place]}/dispositions", json={"decision": decision})
    assert station.get("/api/v1/returns").json()["escapes"]["checked"] == 2
    assert listed(station, "checked") == 2
    assert re.search(r'<a href="/returns/parts\?of=checked">2</a>', station.get("/returns").text)


def test_another_station_and_another_period(filled: TestClient) -> None:
    record(runtime_of(filled).database, [Given(0.1, part="x", received_at=datetime.now(UTC))], station="press-4")
    assert filled.get("/api/v1/returns", params={"station": "press-4"}).json()["counted"]["inspected"] == 1
    assert listed(filled, "inspected", station="press-4") == 1
    day = (datetime.now(UTC) - timedelta(days=60)).date().isoformat()
    then = {"first_day": day, "last_day": day}
    assert filled.get("/api/v1/returns", params=then).json()["counted"]["flagged"] == 1
    assert listed(filled, "inspected", **then) == 1
    assert filled.get("/api/v1/returns", params={"station": "nowhere"}).status_code == 404


def test_long_lists_are_turned_page_by_page(station: TestClient) -> None:
    now = datetime.now(UTC)
    record(runtime_of(station).database, [Given(0.1, part=f"p{n}", received_at=now) for n in range(130)])
    assert listed(station, "inspected") == 100
    page = station.get("/returns/parts", params={"of": "inspected", "hour_cost": "7"}).text
    found = re.search(r'href="(/returns/parts\?[^"]*below=\d+)"', page)
    assert found is not None
    address = found[1].replace("&amp;", "&")
    assert "hour_cost=7.0" in address
    assert len(re.findall(r'<a href="/review/\d+">', station.get(address).text)) == 30


def test_csv_and_json_say_the_same(filled: TestClient) -> None:
    asked: dict[str, Any] = {"escape_cost": 80, "caught_before": 0.5}
    body = filled.get("/api/v1/returns", params=asked).json()
    text = filled.get("/api/v1/returns.csv", params=asked).text
    rows = {(row["kind"], row["name"]): row["value"] for row in csv.DictReader(io.StringIO(text[1:]))}
    assert float(rows["money", "gain"]) == body["money"]["gain"]
    assert int(rows["counted", "caught"]) == body["counted"]["caught"]
    assert float(rows["input", "escape_cost"]) == 80
    assert rows["period", "first_day"] == body["first_day"]


@pytest.mark.parametrize(
    "wrong", [{"escape_cost": "-1"}, {"caught_before": "2"}, {"first_day": "soon"}, {"hour_cost": "nan"}]
)
def test_numbers_that_make_no_sense_are_refused(station: TestClient, wrong: dict[str, str]) -> None:
    assert station.get("/api/v1/returns", params=wrong).status_code == 422
    assert station.get("/returns", params=wrong).status_code == 422
