"""Lists, pages and filters of the record."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service.camera import INSPECTIONS, posted


def walk(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    """All items of all pages."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get(INSPECTIONS, params=query | ({"cursor": cursor} if cursor else {})).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


@pytest.fixture
def shift(station: TestClient) -> list[dict[str, Any]]:
    """Eleven parts, in the order they came."""
    spots = (0.0, 0.36, 0.9)
    return [
        posted(station, number, spot=spots[number % 3], station=f"press-{number % 2}", lot=f"L{number // 6}")
        for number in range(11)
    ]


@pytest.mark.parametrize("limit", [1, 4, 11, 50])
def test_pages_hold_everything_once_newest_first(station: TestClient, shift: list[dict[str, Any]], limit: int) -> None:
    assert walk(station, limit=limit) == shift[::-1]


@pytest.mark.parametrize(
    ("field", "value"), [("station", "press-1"), ("verdict", "FAIL"), ("verdict", "PASS"), ("lot", "L1"), ("lot", "no")]
)
def test_filters(station: TestClient, shift: list[dict[str, Any]], field: str, value: str) -> None:
    wanted = [item for item in shift if item[field] == value]
    assert walk(station, limit=2, **{field: value}) == wanted[::-1]


def test_filters_combine(station: TestClient, shift: list[dict[str, Any]]) -> None:
    wanted = [item for item in shift if (item["station"], item["verdict"]) == ("press-1", "HOLD")]
    assert wanted
    assert walk(station, station="press-1", verdict="HOLD") == wanted[::-1]


def test_parts_that_arrive_meanwhile_disturb_no_page(station: TestClient, shift: list[dict[str, Any]]) -> None:
    first = station.get(INSPECTIONS, params={"limit": 5}).json()
    posted(station, "new")
    second = station.get(INSPECTIONS, params={"limit": 50, "cursor": first["next_cursor"]}).json()
    assert first["items"] + second["items"] == shift[::-1]


@pytest.mark.parametrize("cursor", ["", "5", "below-", "below-x", "below-²", "below-" + "9" * 30])
def test_a_foreign_cursor_is_refused(station: TestClient, cursor: str) -> None:
    answer = station.get(INSPECTIONS, params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:kensa:problem:invalid-cursor"


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"verdict": "MAYBE"}, {"station": "a\x00b"}])
def test_a_wrong_query_is_refused(station: TestClient, query: dict[str, Any]) -> None:
    answer = station.get(INSPECTIONS, params=query)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == f"query.{next(iter(query))}"


def test_an_empty_record(station: TestClient) -> None:
    assert station.get(INSPECTIONS).json() == {"items": [], "next_cursor": None}
    summary = station.get("/api/v1/summary").json()
    assert (summary["stored"], summary["undecided"]) == (0, 0)
    assert "Nothing waits for you" in station.get("/review").text
