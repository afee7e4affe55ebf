"""Profiles: versions with author and time, in force without a restart, and each verdict names its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from inspection.inspector import Inspector
from service.bundle_shelf import BundleShelf
from service.profiles.tables import ProfileVersion
from service.watch import Watch
from tests.bundles import make_bundle, part_png
from tests.service.camera import post, posted, runtime_of
from tests.service.conftest import MakeStation
from tests.service.credentials import REVIEWER

PROFILES = "/api/v1/profiles"
PROMOTIONS = "/api/v1/bundles/promotions"
STRICT = {
    "local_score": {"pass_limit": 0.001, "fail_limit": 0.002},
    "global_score": {"pass_limit": 0.06, "fail_limit": 0.12},
}


def set_profile(client: TestClient, profile: dict[str, Any], **others: Any) -> Any:
    answer: Any = client.post(PROFILES, json={"station": "press-3", "profile": profile} | others)
    return answer


def add_bundle(client: TestClient, tmp_path: Path, *, grey: int = 20) -> str:
    """The id of another bundle on this machine: it expects parts of that grey."""
    folder = runtime_of(client).shelf.directory
    expected = np.full((64, 64, 3), grey, np.uint8)
    manifest = make_bundle(tmp_path / f"grey-{grey}", expected=expected, golden_pngs=(part_png(1),))
    folder.mkdir(exist_ok=True)
    (tmp_path / f"grey-{grey}").rename(folder / manifest.bundle_id)
    return manifest.bundle_id


def test_without_a_profile_the_champion_judges_as_calibrated(station: TestClient) -> None:
    body = posted(station, 1)
    assert (body["profile_version"], body["crop"], body["verdict"]) == (0, None, "PASS")
    assert station.get(PROFILES, params={"station": "press-3"}).json() == {"items": []}


def test_a_change_is_in_force_with_its_answer_and_every_verdict_names_its_version(
    station: TestClient, inspector: Inspector
) -> None:
    before = posted(station, 1)
    first = set_profile(station, {"bundle_id": inspector.bundle_id, "thresholds": STRICT}, note="new lamp")
    strict = posted(station, 2)
    set_profile(station, {"hold_band_scale": 2.0})
    wide = posted(station, 3)
    assert first.status_code == 201
    assert (first.json()["version"], first.json()["author"], first.json()["note"]) == (1, REVIEWER, "new lamp")
    versions = [body["profile_version"] for body in (before, strict, wide)]
    assert (versions, strict["verdict"], wide["verdict"]) == ([0, 1, 2], "FAIL", "PASS")
    assert strict["thresholds"]["local"] == STRICT["local_score"]
    assert wide["thresholds"]["local"]["pass_limit"] == pytest.approx(0.06)
    assert posted(station, 4, station="press-4")["profile_version"] == 0
    kept = station.get(PROFILES, params={"station": "press-3"}).json()["items"]
    assert [item["version"] for item in kept] == [2, 1]
    assert kept[1] == first.json()


def test_a_crop_is_told_with_the_verdict_and_shown_on_the_page(station: TestClient) -> None:
    box = {"x_px": 16, "y_px": 8, "width_px": 64, "height_px": 64}
    set_profile(station, {"crop": box})
    body = posted(station, 1, spot=0.9)
    assert body["crop"] == box
    page = station.get(body["links"]["review"]).text
    assert f'{body["links"]["heat_map"]}" x="16" y="8" width="64" height="64"' in page


def test_an_image_that_a_station_finds_unfit_is_held_and_shown(station: TestClient) -> None:
    set_profile(station, {"quality": {"min_sharpness": 1e6}})
    body = post(station, 1).json()
    assert (body["verdict"], body["reason"]) == ("HOLD", "image_blurred")
    assert "too blurred to judge" in station.get(body["links"]["review"]).text


@pytest.mark.parametrize(
    ("profile", "status", "told"),
    [
        ({"thresholds": STRICT}, 422, "bundle_id"),
        ({"hold_band_scale": 0}, 422, "hold_band_scale"),
        ({"crop": {"x_px": 0}}, 422, "crop"),
        ({"speed": 9}, 422, "speed"),
        ({"bundle_id": "bundle-0123456789abcdef"}, 422, "no such bundle"),
        ({"bundle_id": "../../etc/passwd"}, 422, "bundle_id"),
    ],
    ids=str,
)
def test_a_wrong_profile_is_refused_and_changes_nothing(
    station: TestClient, profile: dict[str, Any], status: int, told: str
) -> None:
    answer = set_profile(station, profile)
    assert answer.status_code == status
    assert told in answer.text
    assert posted(station, 1)["profile_version"] == 0


def test_a_change_made_from_an_old_version_is_refused(station: TestClient) -> None:
    assert set_profile(station, {}, based_on=0).status_code == 201
    late = set_profile(station, {"hold_band_scale": 3}, based_on=0)
    assert (late.status_code, late.json()["type"]) == (409, "urn:kensa:problem:outdated")
    assert set_profile(station, {}, based_on=1).json()["version"] == 2


def test_stations_run_different_bundles_side_by_side(station: TestClient, tmp_path: Path, inspector: Inspector) -> None:
    other = add_bundle(station, tmp_path)
    assert set_profile(station, {"bundle_id": other}).status_code == 201
    first, second = posted(station, 1), posted(station, 2, station="press-4")
    assert (first["bundle_id"], first["verdict"]) == (other, "FAIL")
    assert (second["bundle_id"], second["verdict"]) == (inspector.bundle_id, "PASS")


def test_a_promotion_swaps_the_champion_with_no_request_failing(station: TestClient, tmp_path: Path) -> None:
    other = add_bundle(station, tmp_path)
    before = runtime_of(station).inspector.bundle_id
    answers: list[Any] = []
    is_over = threading.Event()

    def camera(name: str) -> None:
        for number in range(1000):
            answers.append(post(station, f"{name}-{number}", part_png(number % 5)))
            if is_over.is_set():
                return

    cameras = [threading.Thread(target=camera, args=(name,)) for name in "ab"]
    for thread in cameras:
        thread.start()
    promoted = station.post(PROMOTIONS, json={"bundle_id": other, "note": "night run"})
    after = posted(station, "after")
    is_over.set()
    for thread in cameras:
        thread.join()
    assert promoted.status_code == 201
    assert {answer.status_code for answer in answers} == {201}
    assert {(answer.json()["bundle_id"], answer.json()["verdict"]) for answer in answers} <= {
        (before, "PASS"),
        (other, "FAIL"),
    }
    assert after["bundle_id"] == other
    listed = station.get("/api/v1/bundles").json()
    assert [item["bundle_id"] for item in listed["items"] if item["is_champion"]] == [other]
    assert [item["bundle_id"] for item in listed["promotions"]] == [other, before]


def test_a_damaged_bundle_is_not_promoted_and_the_champion_goes_on(station: TestClient, tmp_path: Path) -> None:
    other = add_bundle(station, tmp_path)
    student = runtime_of(station).shelf.directory / other / "student.onnx"
    student.write_bytes(student.read_bytes()[:-9])
    before = posted(station, 1)["bundle_id"]
    answer = station.post(PROMOTIONS, json={"bundle_id": other})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:kensa:problem:unfit-bundle")
    assert posted(station, 2)["bundle_id"] == before


def test_a_promotion_outlives_a_restart_with_the_old_bundle(make_station: MakeStation, tmp_path: Path) -> None:
    first = make_station()
    other = add_bundle(first, tmp_path)
    assert first.post(PROMOTIONS, json={"bundle_id": other}).status_code == 201
    again = make_station()
    assert posted(again, 1)["bundle_id"] == other


def test_without_its_bundle_a_station_is_held(make_station: MakeStation, tmp_path: Path) -> None:
    first = make_station()
    other = add_bundle(first, tmp_path)
    set_profile(first, {"bundle_id": other})
    (runtime_of(first).shelf.directory / other).rename(tmp_path / "elsewhere")
    again = make_station()
    body = posted(again, 1)
    assert (body["verdict"], body["reason"], body["bundle_id"]) == ("HOLD", "no_model", None)
    assert (body["thresholds"], body["profile_version"]) == (None, 1)
    assert again.get(body["links"]["image"]).content == part_png(1)
    assert "no model to judge with" in again.get(body["links"]["review"]).text
    (tmp_path / "elsewhere").rename(runtime_of(again).shelf.directory / other)
    again.portal.call(runtime_of(again).in_force.refresh)  # type: ignore[union-attr]
    assert posted(again, 2)["bundle_id"] == other


def test_a_command_changes_what_a_running_station_does(station: TestClient, tmp_path: Path, database_url: str) -> None:
    place = ["--data", str(tmp_path / "data"), "--database-url", database_url]
    file = tmp_path / "press.toml"
    file.write_text("hold_band_scale = 1.5\n[quality]\nmin_sharpness = 2\n")
    command = [sys.executable, "-m", "service", "profiles"]
    done = subprocess.run(
        [*command, "set", "press-3", str(file), "--author", "Ken", *place], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    station.portal.call(runtime_of(station).in_force.refresh)  # type: ignore[union-attr]
    assert posted(station, 1)["profile_version"] == 1
    kept = station.get(PROFILES).json()["items"]
    assert (kept[0]["author"], kept[0]["profile"]["quality"]["min_sharpness"]) == ("Ken", 2)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("hold_band = 2\n")
    refused = subprocess.run(
        [*command, "set", "press-3", str(wrong), *place], capture_output=True, text=True, check=False
    )
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "unknown key hold_band" in refused.stderr


def test_a_bundle_of_a_wrong_name_is_not_loaded(tmp_path: Path) -> None:
    manifest = make_bundle(tmp_path / "made")
    (tmp_path / "made").rename(tmp_path / "bundle-0000000000000000")
    shelf = BundleShelf(tmp_path)
    with pytest.raises(Exception, match=manifest.bundle_id):
        shelf.load("bundle-0000000000000000")
    assert shelf.loaded_ids == []


def test_a_profile_of_another_version_of_kensa_does_not_end_the_watch(station: TestClient) -> None:
    runtime = runtime_of(station)
    set_profile(station, {"hold_band_scale": 2.0})
    with runtime.database.writing() as session:
        row = session.scalars(select(ProfileVersion)).one()
        newer = {"station_id": row.station_id, "author": "x", "created_at": row.created_at}
        session.add(ProfileVersion(version=2, profile={"speed": 9}, **newer))
    station.portal.call(Watch(runtime, 1.0).look)  # type: ignore[union-attr]
    assert posted(station, 1)["profile_version"] == 1
    [alarm] = station.get("/health").json()["alarms"]
    assert (alarm["name"], "another version" in alarm["detail"]) == ("not_in_force", True)
    set_profile(station, {})
    station.portal.call(Watch(runtime, 1.0).look)  # type: ignore[union-attr]
    assert posted(station, 2)["profile_version"] == 3
    assert station.get("/health").json()["alarms"] == []


def test_a_station_that_stays_with_a_bundle_is_told_and_may_follow_again(
    station: TestClient, inspector: Inspector, tmp_path: Path
) -> None:
    set_profile(station, {"bundle_id": inspector.bundle_id, "thresholds": STRICT, "hold_band_scale": 1.5})
    other = add_bundle(station, tmp_path)
    station.post(PROMOTIONS, json={"bundle_id": other})
    assert posted(station, 1)["bundle_id"] == inspector.bundle_id
    for page in ("/bundles", "/nights"):
        shown = station.get(page).text
        assert "Stations that stay with one bundle" in shown
        assert "Let it follow the champion" in shown
    assert "no night moves it" in station.get("/thresholds", params={"station": "press-3"}).text
    answer = station.post(f"{PROFILES}/followings", json={"station": "press-3", "based_on": 1})
    assert answer.status_code == 201, answer.text
    profile = answer.json()["profile"]
    assert (profile["bundle_id"], profile["thresholds"], profile["hold_band_scale"]) == (None, None, 1.5)
    after = posted(station, 2)
    assert (after["bundle_id"], after["profile_version"]) == (other, 2)
    assert "Stations that stay" not in station.get("/bundles").text
    audited = [one["subject"] for one in station.get("/api/v1/audit").json()["items"] if one["action"] == "profile"]
    assert audited == ["station press-3", "station press-3"]


def test_following_is_refused_where_it_would_undo_what_somebody_just_did(
    station: TestClient, inspector: Inspector
) -> None:
    follow = f"{PROFILES}/followings"
    assert station.post(follow, json={"station": "press-9"}).status_code == 409
    set_profile(station, {"bundle_id": inspector.bundle_id})
    set_profile(station, {"bundle_id": inspector.bundle_id, "hold_band_scale": 2.0})
    outdated = station.post(follow, json={"station": "press-3", "based_on": 1})
    assert outdated.status_code == 409
    assert "version 2" in outdated.json()["detail"]
    assert station.post(follow, json={"station": "press-3", "based_on": 2}).status_code == 201
    assert "follows the champion already" in station.post(follow, json={"station": "press-3"}).json()["detail"]
