"""The verdict contract: what a camera sends, and what it gets back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from inspection.images.digest import sha256_of_bytes
from inspection.inspector import Inspector
from service.intake.schemas import InspectionAnswer
from tests.bundles import part_png
from tests.service.camera import INSPECTIONS, fields_of, post, posted, stored_count, stored_files


@pytest.mark.parametrize(("spot", "verdict"), [(0.0, "PASS"), (0.36, "HOLD"), (0.9, "FAIL")])
def test_the_answer_is_the_inspectors(station: TestClient, inspector: Inspector, spot: float, verdict: str) -> None:
    image = part_png(5, spot=spot)
    body = InspectionAnswer.model_validate(post(station, 1, image).json())
    alone = inspector.inspect(image)
    assert (body.verdict, body.reason) == (verdict, alone.reason)
    assert body.local_score == pytest.approx(alone.local_score)
    assert body.part_score == pytest.approx(alone.part_score)
    assert [(region.x_px, region.area_px) for region in body.regions] == [
        (region.x_px, region.area_px) for region in alone.regions
    ]
    assert body.thresholds.local_score.pass_limit == inspector.thresholds.local_score.pass_limit
    assert body.bundle_id == inspector.bundle_id
    assert set(body.timings_ms) == {"decode", "preprocess", "waiting", "inference"}


def test_form_and_bare_image_are_taken_alike(station: TestClient) -> None:
    image = part_png(5, spot=0.9)
    fields = {"lot": "L1", "captured_at": "2026-11-23T18:30:00.25+09:00"}
    form = post(station, "form", image, lot=fields["lot"], captured_at=fields["captured_at"]).json()
    for kind in ("image/png", "application/octet-stream"):
        trigger = kind.partition("/")[0]
        query = fields_of(trigger, **fields)
        answer = station.post(INSPECTIONS, params=query, content=image, headers={"Content-Type": kind})
        bare = answer.json()
        assert answer.status_code == 201
        assert bare["local_score"] == form["local_score"]
        assert (bare["lot"], bare["captured_at"]) == ("L1", "2026-11-23T09:30:00.250000Z")


def test_image_and_heat_map_are_kept(station: TestClient) -> None:
    image = part_png(5, spot=0.9)
    body = post(station, 1, image).json()
    kept = station.get(body["links"]["image"])
    heat_map = station.get(body["links"]["heat_map"])
    assert (kept.content, kept.headers["content-type"]) == (image, "image/png")
    assert heat_map.content.startswith(b"\x89PNG")
    assert sha256_of_bytes(image) in stored_files(station)
    assert station.get(body["links"]["self"]).json() == body


def test_a_retry_gets_the_same_bytes(station: TestClient) -> None:
    first = post(station, 1, part_png(5, spot=0.9), lot="L1", captured_at="2026-11-23T09:30:12.480Z")
    again = post(station, 1, part_png(6))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    assert station.get(first.json()["links"]["self"]).content == first.content
    assert stored_count(station) == 1


def test_the_same_trigger_of_another_station_is_another_part(station: TestClient) -> None:
    first, second = post(station, 1).json(), post(station, 1, station="press-4").json()
    assert first["id"] != second["id"]
    assert stored_count(station) == 2


def test_simultaneous_duplicates_become_one(station: TestClient) -> None:
    # Different images, so that a second verdict would show.
    images = [part_png(seed, spot=0.9) for seed in range(12)]
    with ThreadPoolExecutor(12) as cameras:
        answers = list(cameras.map(lambda image: post(station, 1, image, lot="new"), images))
    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
    assert len({answer.content for answer in answers}) == 1
    assert stored_count(station) == 1


def test_many_stations_at_once(station: TestClient) -> None:
    triggers = range(40)
    with ThreadPoolExecutor(8) as cameras:
        answers = list(cameras.map(lambda n: post(station, n, station=f"s{n % 4}", lot=f"L{n % 3}"), triggers))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 40
    assert stored_count(station) == 40


def test_instants_come_back_as_they_were(station: TestClient) -> None:
    before = datetime.now(UTC)
    body = posted(station, 1, captured_at="2026-06-30T23:59:59.999999-11:30")
    assert body["captured_at"] == "2026-07-01T11:29:59.999999Z"
    assert before <= datetime.fromisoformat(body["received_at"]) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"station": ""}, "station"),
        ({"part_id": "x" * 129}, "part_id"),
        ({"trigger_id": "a\x00b"}, "trigger_id"),
        ({"captured_at": "2026-11-23T09:30:12"}, "captured_at"),
        ({"captured_at": "0001-01-01T00:00:00+14:00"}, "captured_at"),
        ({"lott": "L1"}, "lott"),
    ],
)
def test_a_wrong_field_is_named(station: TestClient, change: dict[str, str], field: str) -> None:
    answer = station.post(INSPECTIONS, data=fields_of(1) | change, files={"image": ("part.png", part_png())})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == f"body.{field}"
    assert stored_count(station) == 0


def test_a_missing_field_is_named(station: TestClient) -> None:
    bare = station.post(INSPECTIONS, params={"station": "s"}, content=b"x", headers={"Content-Type": "image/png"})
    assert {fault["field"] for fault in bare.json()["faults"]} == {"query.part_id", "query.trigger_id"}
    form = station.post(INSPECTIONS, data=fields_of(1), files={"picture": ("part.png", part_png())})
    assert form.status_code == 422
    assert stored_files(station) == []


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_another_kind_of_body_is_refused(station: TestClient, kind: str) -> None:
    answer = station.post(INSPECTIONS, params=fields_of(1), content=part_png(), headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert "multipart/form-data" in answer.json()["remedy"]
