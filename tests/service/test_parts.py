"""Several images of one part, and what arrives late or out of order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.bundles import part_png
from tests.service.camera import INSPECTIONS, PARTS, fields_of, post, posted, stored_count
from tests.service.conftest import MakeStation

SPOTS = {"PASS": 0.0, "HOLD": 0.36, "FAIL": 0.9}


def post_part(client: TestClient, trigger: object, images: list[bytes], **others: str) -> Any:
    files = [("image", (f"{number}.png", image)) for number, image in enumerate(images)]
    return client.post(PARTS, data=fields_of(trigger, **others), files=files)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [(["PASS", "PASS"], "PASS"), (["PASS", "HOLD"], "HOLD"), (["HOLD", "FAIL", "PASS"], "FAIL"), (["PASS"], "PASS")],
    ids=str,
)
def test_the_worst_image_decides(station: TestClient, seen: list[str], verdict: str) -> None:
    images = [part_png(seed, spot=SPOTS[name]) for seed, name in enumerate(seen)]
    answer = post_part(station, 1, images, lot="L1")
    body = answer.json()
    assert answer.status_code == 201
    assert (body["part_id"], body["verdict"]) == ("part-1", verdict)
    assert [one["verdict"] for one in body["inspections"]] == seen
    assert [one["image_number"] for one in body["inspections"]] == list(range(1, len(seen) + 1))
    decided = next(one for one in body["inspections"] if one["id"] == body["decided_by"])
    assert decided["verdict"] == verdict
    for one, image in zip(body["inspections"], images, strict=True):
        assert station.get(one["links"]["image"]).content == image
    assert station.get(PARTS, params={"part_id": "part-1"}).json() == body


def test_an_unreadable_image_holds_the_part(station: TestClient) -> None:
    body = post_part(station, 1, [part_png(1), b"no image"]).json()
    assert (body["verdict"], body["reason"]) == ("HOLD", "image_undecodable")


def test_a_retry_of_a_part_gets_the_same_bytes(station: TestClient) -> None:
    first = post_part(station, 1, [part_png(1), part_png(2, spot=0.9)])
    again = post_part(station, 1, [part_png(3)])
    assert (again.status_code, again.content) == (200, first.content)
    assert stored_count(station) == 2
    single = post(station, 1)
    assert (single.status_code, single.json()["verdict"]) == (200, "FAIL")


def test_a_retry_after_a_restart_gets_the_same_bytes(make_station: MakeStation) -> None:
    before = make_station()
    first = post_part(before, 1, [part_png(1, spot=0.36), part_png(2)], captured_at="2026-11-23T09:30:12.480Z")
    single = post(before, 2, part_png(5, spot=0.9), lot="L1", captured_at="2026-11-23T09:30:12.480Z")
    after = make_station()
    assert post_part(after, 1, [part_png(9)]).content == first.content
    assert post(after, 2, part_png(9)).content == single.content


def test_a_part_has_one_verdict_over_all_its_triggers(station: TestClient) -> None:
    posted(station, 1, part_id="K1")
    posted(station, 2, spot=0.9, part_id="K1", station="press-4")
    body = station.get(PARTS, params={"part_id": "K1"}).json()
    assert (body["verdict"], len(body["inspections"])) == ("FAIL", 2)
    assert station.get(PARTS, params={"part_id": "K2"}).status_code == 404


@pytest.mark.parametrize("count", [0, 17])
def test_no_image_or_too_many_are_refused(station: TestClient, count: int) -> None:
    answer = post_part(station, 1, [part_png()] * count) if count else station.post(PARTS, data=fields_of(1))
    assert answer.status_code in (400, 415, 422)
    assert answer.json()["verdict"] == "HOLD"
    assert stored_count(station) == 0


def captured(moment: datetime) -> dict[str, str]:
    return {"captured_at": moment.isoformat()}


def test_late_and_out_of_order_arrivals_are_marked(station: TestClient) -> None:
    now = datetime.now(UTC)
    moments = [now, now - timedelta(hours=1), now + timedelta(seconds=1), now - timedelta(seconds=5)]
    bodies = [posted(station, number, **captured(moment)) for number, moment in enumerate(moments)]
    assert [body["arrived_late"] for body in bodies] == [False, True, False, False]
    assert [body["arrived_out_of_order"] for body in bodies] == [False, True, False, True]
    other = posted(station, 9, station="press-4", **captured(now - timedelta(seconds=9)))
    assert (other["arrived_late"], other["arrived_out_of_order"]) == (False, False)
    unknown = posted(station, 10)
    assert (unknown["captured_at"], unknown["arrived_late"], unknown["arrived_out_of_order"]) == (None, False, False)


def test_a_cameras_clock_set_back_costs_nothing(station: TestClient) -> None:
    now = datetime.now(UTC)
    first = posted(station, 1, **captured(now))
    back = posted(station, 2, **captured(now - timedelta(days=400)))
    assert (back["verdict"], back["arrived_late"], back["arrived_out_of_order"]) == ("PASS", True, True)
    assert back["id"] > first["id"]
    assert [item["trigger_id"] for item in station.get(INSPECTIONS).json()["items"]] == ["2", "1"]
