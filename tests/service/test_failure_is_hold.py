"""Whatever goes wrong with judging a part, the part is held, with its reason and its image on record."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from inspection.images.decode import encode_png
from inspection.inspector import Inspector, PreparedImage
from inspection.scoring.session import Scores
from inspection.verdict import Inspection
from tests.bundles import part_png
from tests.service.camera import INSPECTIONS, fields_of, post, stored_count
from tests.service.conftest import MakeStation

GREY = np.full((96, 96, 1), 128, np.uint8)
BOMB = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 30000, 30000) + bytes(64)
UNJUDGEABLE = {
    "text": (b"this is no image", "image_undecodable"),
    "empty": (b"", "image_undecodable"),
    "cut": (part_png()[:-600], "image_undecodable"),
    "one pixel": (encode_png(GREY[:1, :1]), "image_size"),
    "bomb": (BOMB, "image_size"),
    "dark": (encode_png(GREY // 128), "image_too_dark"),
    "bright": (encode_png(GREY // 128 * 255), "image_too_bright"),
    "flat": (encode_png(GREY), "image_without_contrast"),
}


class BrokenInspector(Inspector):
    """Fails in the step that is named."""

    def __init__(self, inspector: Inspector, step: str, error: Exception) -> None:
        super().__init__(inspector.session, inspector.manifest)
        self.step, self.error = step, error

    def prepare(self, data: bytes, *, name: str = "image") -> PreparedImage | Inspection:
        if self.step == "prepare":
            raise self.error
        return super().prepare(data, name=name)

    def score(self, prepared: Sequence[PreparedImage]) -> Scores:
        if self.step == "score":
            raise self.error
        return super().score(prepared)

    def conclude(
        self, prepared: Sequence[PreparedImage], scores: Scores, *, inference_ms: float | None = None
    ) -> list[Inspection]:
        if self.step == "conclude":
            raise self.error
        return super().conclude(prepared, scores, inference_ms=inference_ms)


class StuckInspector(Inspector):
    """Scores nothing until it is released."""

    def __init__(self, inspector: Inspector) -> None:
        super().__init__(inspector.session, inspector.manifest)
        self.release, self.is_scoring = threading.Event(), threading.Event()

    def score(self, prepared: Sequence[PreparedImage]) -> Scores:
        self.is_scoring.set()
        assert self.release.wait(60)
        return super().score(prepared)


class NotANumberInspector(Inspector):
    """A student that has gone mad."""

    def score(self, prepared: Sequence[PreparedImage]) -> Scores:
        scores = super().score(prepared)
        return Scores(scores.anomaly_map, np.full_like(scores.local_score, np.nan), scores.global_score)


@pytest.fixture
def stuck(inspector: Inspector) -> Iterator[StuckInspector]:
    inspector = StuckInspector(inspector)
    yield inspector
    inspector.release.set()


def assert_held(client: TestClient, trigger: object, reason: str, image: bytes) -> None:
    """The part is on record as held for `reason`, with its image, and a retry says the same."""
    retry = post(client, trigger, part_png())
    body = retry.json()
    assert retry.status_code == 200
    assert (body["verdict"], body["reason"], body["local_score"]) == ("HOLD", reason, None)
    assert body["detail"]
    assert body["links"]["heat_map"] is None
    assert client.get(body["links"]["image"]).content == image


@pytest.mark.parametrize("case", UNJUDGEABLE)
def test_an_image_that_cannot_be_judged_is_held(station: TestClient, case: str) -> None:
    image, reason = UNJUDGEABLE[case]
    if image:
        assert post(station, 1, image).status_code == 201
    else:
        empty = station.post(INSPECTIONS, params=fields_of(1), content=b"", headers={"Content-Type": "image/png"})
        assert empty.status_code == 201
    assert_held(station, 1, reason, image)


@pytest.mark.parametrize("step", ["prepare", "score", "conclude"])
@pytest.mark.parametrize("error", [cv2.error("no"), MemoryError("no")], ids=repr)
def test_an_inner_failure_is_held(make_station: MakeStation, inspector: Inspector, step: str, error: Exception) -> None:
    client = make_station(BrokenInspector(inspector, step, error))
    image = part_png(4)
    body = post(client, 1, image).json()
    assert type(error).__name__ in body["detail"]
    assert_held(client, 1, "internal_error", image)


def test_scores_that_are_no_numbers_are_held(make_station: MakeStation, inspector: Inspector) -> None:
    client = make_station(NotANumberInspector(inspector.session, inspector.manifest))
    image = part_png(4)
    assert post(client, 1, image).status_code == 201
    assert_held(client, 1, "internal_error", image)


def test_a_part_that_takes_too_long_is_held(make_station: MakeStation, stuck: StuckInspector) -> None:
    client = make_station(stuck, judging_timeout_s=0.05)
    image = part_png(4)
    assert post(client, 1, image).json()["reason"] == "timed_out"
    stuck.release.set()
    assert_held(client, 1, "timed_out", image)
    assert post(client, 2).json()["verdict"] == "PASS"


def test_a_part_too_many_is_held(make_station: MakeStation, stuck: StuckInspector) -> None:
    client = make_station(stuck, queue_limit=1, judging_timeout_s=60)
    image = part_png(4)
    with ThreadPoolExecutor(1) as camera:
        waiting = camera.submit(post, client, 1, image)
        assert stuck.is_scoring.wait(60)
        pushed_back = post(client, 2, image)
        assert (pushed_back.status_code, pushed_back.headers["Retry-After"]) == (503, "5")
        assert (pushed_back.json()["verdict"], pushed_back.json()["type"]) == ("HOLD", "urn:kensa:problem:overloaded")
        stuck.release.set()
        assert waiting.result().json()["verdict"] == "PASS"
    assert_held(client, 2, "overloaded", image)
    assert stored_count(client) == 2


def test_a_held_part_is_shown_to_a_person(station: TestClient) -> None:
    for number, (image, _) in enumerate(UNJUDGEABLE.values()):
        if image:
            identity = post(station, number, image).json()["id"]
            page = station.get(f"/review/{identity}")
            assert page.status_code == 200
            assert "HOLD" in page.text
    assert station.get("/api/v1/summary").json()["undecided"] == len(UNJUDGEABLE) - 1
    assert "wait for a decision" in station.get("/review").text
