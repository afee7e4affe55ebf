"""Requests made from the API's own description, and images that were spoilt: never a 500, never a PASS by mistake."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import cv2
import pytest
import requests
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.bundles import part_picture
from tests.service.camera import INSPECTIONS, post, posted, runtime_of, stored_files

# Signing out, or a new password of one's own, would leave all later requests at the door.
LEFT_OUT = {("DELETE", "/api/v1/session"), ("POST", "/api/v1/people/{person_id}/password")}


def hurried(share: int) -> settings:
    """A share of the profile's examples: 100 in `make test`, thousands in `make test-hostile`."""
    return settings(
        deadline=None,
        max_examples=settings().max_examples // share,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def operations_of(station: TestClient) -> list[schemathesis.APIOperation]:
    schema = schemathesis.openapi.from_dict(station.get("/api/v1/openapi.json").json())
    found = [result.ok() for result in schema.get_all_operations()]
    return [operation for operation in found if (operation.method.upper(), operation.path) not in LEFT_OUT]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database is enough here: what these requests meet is the same code."""
    return f"sqlite:///{tmp_path / 'kensa.db'}"


# Of an image's request every field has a pattern and the body six media types: each takes most of a second to make.
@pytest.mark.parametrize(("is_image", "share"), [(False, 2), (True, 25)], ids=["others", "images"])
def test_requests_made_from_the_description_meet_no_500(station: TestClient, is_image: bool, share: int) -> None:
    posted(station, 1, spot=0.9)
    operations = [op for op in operations_of(station) if (op.path == INSPECTIONS and op.method == "post") == is_image]
    assert operations
    seen: set[int] = set()

    @hurried(share)
    @given(st.one_of([operation.as_strategy() for operation in operations]))
    def send(case: Any) -> None:
        wanted = case.as_transport_kwargs(base_url="http://testserver")
        # The client carries its own session.
        wanted.pop("cookies")
        # Whatever was made, a number for a file too, is put into bytes by the library it was made for.
        made = requests.Request(**wanted).prepare()
        answer = station.request(str(made.method), str(made.url), headers=dict(made.headers), content=made.body)
        seen.add(answer.status_code)
        told = (case.method, case.path, answer.status_code, answer.text[:300])
        assert answer.status_code < 500, told
        assert str(answer.status_code) in case.operation.definition.raw["responses"], told

    send()
    assert seen
    assert station.get("/health/ready").status_code == 200


def test_spoilt_images_are_held_and_kept(station: TestClient) -> None:
    chance = random.Random(11)
    for number in range(16):
        suffix = (".png", ".jpg", ".bmp", ".tiff")[number % 4]
        data = bytearray(cv2.imencode(suffix, part_picture(number))[1].tobytes())
        start = chance.randrange(len(data))
        del data[start : start + chance.choice([1, 7, len(data)])]
        answer = post(station, number, bytes(data) or b"\0")
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert body["local_score"] is not None or body["verdict"] == "HOLD"
        assert station.get(body["links"]["image"]).content == (bytes(data) or b"\0")


NAMES = ["../../etc/passwd", "..\\..\\x", "/etc/passwd", "C:\\x", "a/../../b", "%2e%2e%2f", "~", ".", "COM1", "‮gnp"]


def test_no_name_from_a_client_reaches_the_file_system(station: TestClient, tmp_path: Path) -> None:
    """Images lie under their digests; whatever a camera calls things stays in the database."""
    image = cv2.imencode(".png", part_picture(1))[1].tobytes()
    for name in NAMES:
        data = {"station": name, "part_id": name, "lot": name, "trigger_id": name}
        answer = station.post(INSPECTIONS, data=data, files={"image": (name, image)})
        assert answer.status_code == 201, answer.text
    assert all(len(file) == 64 and set(file) <= set("0123456789abcdef") for file in stored_files(station))
    assert runtime_of(station).image_store.directory.is_relative_to(tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["data"]


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "..\\app.py", "/etc/passwd", "x%00.css"])
def test_no_address_leads_out_of_the_static_folder(station: TestClient, path: str) -> None:
    assert station.get(f"/static/{path}").status_code == 404
