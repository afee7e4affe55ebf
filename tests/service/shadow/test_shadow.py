"""A challenger beside the champion: it scores what is on record, changes nothing, and people say who was right."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from inspection.errors import StorageError
from inspection.verdict import Verdict
from service.shadow import operations, scorer
from service.shadow.operations import was_challenger_right
from tests.bundles import make_bundle
from tests.service.camera import INSPECTIONS, post, posted, runtime_of
from tests.service.test_problems import assert_problem

STRANGER = "bundle-0123456789abcdef"


@pytest.fixture
def challenger(station: TestClient, tmp_path: Path) -> str:
    """A bundle on the station's shelf that expects darker parts: it flags every good one."""
    manifest = make_bundle(tmp_path / "challenger", expected=np.full((64, 64, 3), 100, np.uint8))
    folder = runtime_of(station).shelf.directory
    folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "challenger").rename(folder / manifest.bundle_id)
    return manifest.bundle_id


def start(client: TestClient, bundle_id: str, **wishes: object) -> dict[str, Any]:
    answer = client.post("/api/v1/shadow", json={"bundle_id": bundle_id, **wishes})
    assert answer.status_code == 201, answer.text
    trial: dict[str, Any] = answer.json()["items"][0]
    return trial


def trial_of(client: TestClient) -> dict[str, Any]:
    trial: dict[str, Any] = client.get("/api/v1/shadow").json()["items"][0]
    return trial


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("never came")


def test_it_scores_live_parts_and_changes_nothing(station: TestClient, challenger: str) -> None:
    alone = posted(station, "alone")
    start(station, challenger)
    beside = [posted(station, number) for number in range(6)]
    until(lambda: trial_of(station)["part_count"] == 6)
    assert [(one["verdict"], one["bundle_id"], one["thresholds"]) for one in beside] == [
        (alone["verdict"], alone["bundle_id"], alone["thresholds"])
    ] * 6
    trial = trial_of(station)
    assert (trial["flip_count"], trial["trouble"], trial["ended_at"]) == (6, None, None)
    assert 0 < trial["cpu_share"] <= 1
    flips = station.get(f"/api/v1/shadow/{challenger}/flips").json()["items"]
    assert {flip["inspection_id"] for flip in flips} == {one["id"] for one in beside}
    assert [flip["apart"] for flip in flips] == sorted((flip["apart"] for flip in flips), reverse=True)
    assert station.get("/health").json()["champion"] == alone["bundle_id"]


def test_a_person_says_once_who_was_right_and_everybody_learns_of_it(station: TestClient, challenger: str) -> None:
    start(station, challenger)
    ids = [posted(station, number)["id"] for number in range(3)]
    until(lambda: trial_of(station)["flip_count"] == 3)
    page = station.get("/shadow").text
    assert 'value="false_alarm" data-key="1"' in page
    assert 'value="confirmed_defect" data-key="2"' in page
    for inspection_id, decision in zip(ids, ("false_alarm", "confirmed_defect", "unclear"), strict=True):
        answer = station.post(f"{INSPECTIONS}/{inspection_id}/dispositions", json={"decision": decision})
        assert answer.status_code == 201, answer.text
    trial = trial_of(station)
    assert (trial["champion_right_count"], trial["challenger_right_count"]) == (1, 1)
    assert "Every flip has been decided." in station.get("/shadow").text
    progress = operations.get_progress(runtime_of(station).database, challenger)
    assert (progress.part_count, progress.flip_count, progress.worse_count, progress.better_count) == (3, 3, 1, 1)


@pytest.mark.parametrize(
    ("champion", "challenger_says", "is_defective", "expected"),
    [
        (Verdict.PASS, Verdict.FAIL, True, True),
        (Verdict.PASS, Verdict.HOLD, False, False),
        (Verdict.FAIL, Verdict.PASS, True, False),
        (Verdict.FAIL, Verdict.HOLD, False, True),
        (Verdict.HOLD, Verdict.FAIL, True, True),
    ],
)
def test_of_a_defective_part_the_stricter_one_was_right(
    champion: Verdict, challenger_says: Verdict, is_defective: bool, expected: bool
) -> None:
    assert was_challenger_right(champion, challenger_says, is_defective=is_defective) is expected


def test_what_could_not_be_judged_is_no_matter_of_opinion(station: TestClient, challenger: str) -> None:
    start(station, challenger)
    post(station, 1, b"no image")
    posted(station, 2)
    until(lambda: trial_of(station)["part_count"] == 1)
    assert trial_of(station)["dropped_count"] == 0


def test_while_cameras_wait_parts_are_left_out(
    station: TestClient, challenger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorer, "_QUIET_LOOKS", 1)
    monkeypatch.setattr(scorer, "_QUIET_S", 0.0)
    monkeypatch.setattr(runtime_of(station).shadow, "_busy_count", lambda: 1)
    start(station, challenger)
    for number in range(3):
        posted(station, number)
    until(lambda: trial_of(station)["dropped_count"] == 3)
    assert trial_of(station)["part_count"] == 0


def test_a_challenger_that_is_stuck_keeps_no_camera_waiting(
    station: TestClient, challenger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    real = scorer.score

    def slow(*given: Any) -> Any:
        goes_on.wait(20)
        return real(*given)

    monkeypatch.setattr(scorer, "score", slow)
    start(station, challenger)
    for number in range(40):
        assert posted(station, number)["verdict"] == "PASS"
    goes_on.set()
    until(lambda: trial_of(station)["part_count"] + trial_of(station)["dropped_count"] == 40)
    # One was being scored and as many waited as may: the others were left at once.
    assert trial_of(station)["dropped_count"] >= 7


def test_a_share_of_the_parts_is_enough(station: TestClient, challenger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([0.1, 0.9, 0.2, 0.8])
    monkeypatch.setattr(runtime_of(station).shadow, "_chance", lambda: next(drawn))
    start(station, challenger, sample_rate=0.5, stations=["press-*"])
    posted(station, "x", station="oven-1")
    for number in range(4):
        posted(station, number)
    until(lambda: trial_of(station)["part_count"] == 2)
    flips = station.get(f"/api/v1/shadow/{challenger}/flips").json()["items"]
    assert len(flips) == 2


def test_a_failing_challenger_is_told_of(station: TestClient, challenger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    start(station, challenger)
    monkeypatch.setattr(scorer, "score", fail)
    assert posted(station, 1)["verdict"] == "PASS"
    until(lambda: trial_of(station)["trouble"] == "scoring failed (MemoryError)")
    assert operations.get_progress(runtime_of(station).database, challenger).trouble


def test_a_picture_that_is_gone_is_left_out(
    station: TestClient, challenger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_name: str) -> bytes:
        raise StorageError("the picture", "is gone")

    start(station, challenger)
    monkeypatch.setattr(type(runtime_of(station).image_store), "get", lambda _self, name: gone(name))
    posted(station, 1)
    until(lambda: trial_of(station)["dropped_count"] == 1)
    assert trial_of(station)["trouble"] is None


def test_it_begins_once_and_ends_once(station: TestClient, challenger: str) -> None:
    first, again = start(station, challenger), start(station, challenger)
    assert first["id"] == again["id"]
    for _ in range(2):
        assert station.post(f"/api/v1/shadow/{challenger}/stop").status_code == 200
    assert trial_of(station)["ended_by"] == "Aiko Tanaka"
    posted(station, 1)
    assert trial_of(station)["part_count"] == 0
    trail = [one["action"] for one in station.get("/api/v1/audit").json()["items"]]
    assert (trail.count("shadow"), trail.count("shadow_ended")) == (1, 1)


def test_another_champion_ends_the_trial(station: TestClient, challenger: str) -> None:
    start(station, challenger)
    assert station.post("/api/v1/bundles/promotions", json={"bundle_id": challenger}).status_code == 201
    until(lambda: trial_of(station)["ended_at"] is not None)
    assert trial_of(station)["ended_by"] == "another champion judges now"
    assert_problem(station.post("/api/v1/shadow", json={"bundle_id": challenger}), 409)


def test_a_bundle_that_is_not_here_is_refused_or_told_of(station: TestClient) -> None:
    assert_problem(station.post("/api/v1/shadow", json={"bundle_id": STRANGER}), 422)
    operations.start(runtime_of(station).database, STRANGER, author="night of 22 November")
    until(lambda: bool(trial_of(station)["trouble"]))
    assert "no such bundle" in trial_of(station)["trouble"]
    assert_problem(station.get("/api/v1/shadow/bundle-00000000000000aa/flips"), 404)


def test_the_page_before_there_was_any(station: TestClient, challenger: str) -> None:
    page = station.get("/shadow").text
    assert "No challenger has been tried yet." in page
    assert f'<option value="{challenger}">{challenger}</option>' in page
