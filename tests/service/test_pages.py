"""The review pages as the service sends them; what a person does with them is in tests/browser."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.web.static_folder import STATIC_FOLDER
from tests.bundles import part_png
from tests.service.camera import INSPECTIONS, post, posted


def decoded(png: bytes) -> np.ndarray:
    """Pixels of a PNG as they are."""
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return np.asarray(pixels)


def test_the_front_door_leads_to_the_queue(station: TestClient) -> None:
    answer = station.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/review")


def test_a_part_says_why_it_was_flagged(station: TestClient) -> None:
    body = posted(station, 1, spot=0.36, lot="L2611-07")
    page = station.get(body["links"]["review"]).text
    sentence = (
        f"Its local score of {body['local_score']:.3f} lies between the pass limit 0.120 and the fail limit 0.240."
    )
    assert sentence in page
    for shown in ("part-1", "L2611-07", "press-3", body["bundle_id"], body["links"]["heat_map"]):
        assert shown in page
    region = body["regions"][0]
    assert f'x="{region["x_px"]}" y="{region["y_px"]}" width="{region["width_px"]}"' in page


def test_what_a_camera_sends_is_text_not_markup(station: TestClient) -> None:
    identity = post(station, "t", part_png(1, spot=0.9), part_id='<img src=x onerror="alert(1)">').json()["id"]
    for address in ("/review", f"/review/{identity}", f"/review/{identity}/part"):
        page = station.get(address).text
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page


@pytest.mark.parametrize("address", ["/review", "/review/1", "/review/1/part", "/review/99", "/api/v1/summary"])
def test_every_answer_forbids_foreign_and_inline_code(station: TestClient, address: str) -> None:
    posted(station, 1, spot=0.9)
    answer = station.get(address, headers={"Accept": "text/html"})
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|https?://(?!this-station)", answer.text)


def test_static_files_need_nothing_from_elsewhere(station: TestClient) -> None:
    files = [path for path in STATIC_FOLDER.iterdir() if path.is_file()]
    assert len(files) > 5
    for path in files:
        answer = station.get(f"/static/{path.name}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"
        foreign = re.findall(r"https?://[^\"'\s)]+", path.read_text())
        assert [address for address in foreign if "www.w3.org" not in address] == []


def test_pages_are_never_kept_but_pictures_are(station: TestClient) -> None:
    posted(station, 1, spot=0.9)
    assert station.get("/review/1").headers["Cache-Control"] == "no-store"
    assert "immutable" in station.get("/review/1/picture").headers["Cache-Control"]
    assert "immutable" in station.get(f"{INSPECTIONS}/1/heat-map").headers["Cache-Control"]


def test_a_12_bit_tiff_is_shown_as_8_bit_png(station: TestClient) -> None:
    chance = np.random.default_rng(1)
    pixels = (32768 + chance.normal(0, 1500, (96, 120))).astype(np.uint16)
    tiff = cv2.imencode(".tiff", pixels)[1].tobytes()
    body = post(station, 1, tiff).json()
    assert body["verdict"] == "PASS"
    assert station.get(body["links"]["image"]).content == tiff
    shown = station.get("/review/1/picture")
    assert shown.headers["content-type"] == "image/png"
    assert decoded(shown.content).dtype == np.uint8
    assert decoded(shown.content).shape == (96, 120)


def test_a_16_bit_png_is_shown_with_8(station: TestClient) -> None:
    png = cv2.imencode(".png", np.full((64, 64), 30000, np.uint16) + np.arange(64, dtype=np.uint16) * 9)[1].tobytes()
    post(station, 1, png)
    assert decoded(station.get("/review/1/picture").content).dtype == np.uint8


def test_thumbnails_are_small_and_keep_their_shape(station: TestClient) -> None:
    post(station, 1, part_png(1, height_px=400, width_px=1200))
    assert decoded(station.get("/review/1/picture?size=thumbnail").content).shape[:2] == (120, 360)
    assert station.get("/review/1/picture").content == part_png(1, height_px=400, width_px=1200)


def test_a_damaged_image_has_no_picture_but_a_page(station: TestClient) -> None:
    post(station, 1, b"no image")
    assert station.get("/review/1/picture?size=thumbnail").status_code == 404
    page = station.get("/review/1").text
    assert "The image could not be read" in page
    assert f"{INSPECTIONS}/1/image" in page
    assert station.get(f"{INSPECTIONS}/1/image").content == b"no image"


def test_a_person_gets_a_page_for_a_wrong_address(station: TestClient) -> None:
    answer = station.get("/review/4711", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 404
    assert "To the review queue" in answer.text
