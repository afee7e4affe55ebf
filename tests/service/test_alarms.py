"""Alarms are raised, seen and lowered, and each has its page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from inspection.verdict import Reason, Verdict
from service.alarms import ALARMS, Alarms
from service.disk import Disk
from tests.bundles import part_png
from tests.running_service import ROOT, run_service
from tests.service.camera import post, posted, runtime_of

RUNBOOK = ROOT / "docs" / "runbook"


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_has_a_page_that_the_runbook_leads_to(name: str) -> None:
    page = (RUNBOOK / f"{name}.md").read_text()
    assert page.startswith(f"# {name}: ")
    for part in ("**Seen.**", "**Means.**", "**Do.**"):
        assert part in page
    assert f"(runbook/{name}.md)" in (RUNBOOK.parent / "runbook.md").read_text()


def test_no_page_is_about_nothing() -> None:
    assert {path.stem for path in RUNBOOK.glob("*.md")} == set(ALARMS)


def test_an_event_stands_a_while_and_a_state_until_it_is_mended() -> None:
    seconds = [0.0]
    alarms = Alarms(now=lambda: seconds[0])
    alarms.raise_alarm("overloaded", "64 images were waiting")
    alarms.set("disk_low", "12 MB are free")
    assert [(alarm.name, alarm.detail) for alarm in alarms.standing()] == [
        ("disk_low", "12 MB are free"),
        ("overloaded", "64 images were waiting"),
    ]
    seconds[0] = 1000.0
    assert [alarm.name for alarm in alarms.standing()] == ["disk_low"]
    alarms.set("disk_low", [])
    assert alarms.standing() == []


def test_the_disk_of_a_folder_that_is_not_there_yet_is_watched(tmp_path: Path) -> None:
    alarms = Alarms()
    disk = Disk(tmp_path / "not" / "yet", alarms, low_bytes=2**62, reserve_bytes=0)
    assert disk.free_bytes is not None
    assert [alarm.name for alarm in alarms.standing()] == ["disk_low"]


def test_figures_tell_of_verdicts_holds_stages_and_alarms(station: TestClient) -> None:
    posted(station, 1)
    posted(station, 2, spot=0.9)
    post(station, 3, b"no image")
    station.get("/api/v1/inspections/4711")
    figures = station.get("/metrics").text
    for line in (
        'kensa_verdicts_total{station="press-3",verdict="PASS"} 1.0',
        'kensa_verdicts_total{station="press-3",verdict="FAIL"} 1.0',
        'kensa_holds_total{reason="image_undecodable"} 1.0',
        'kensa_stage_seconds_count{stage="inference"} 2.0',
        'kensa_stage_seconds_count{stage="record"} 3.0',
        'kensa_problems_total{status="404"} 1.0',
        'kensa_alarm{alarm="disk_full"} 0.0',
        "kensa_queue_images 0.0",
    ):
        assert line in figures
    assert re.search(r"kensa_disk_free_bytes \d", figures)
    assert "part-1" not in figures


def test_a_retry_is_not_counted_twice(station: TestClient) -> None:
    posted(station, 1)
    post(station, 1)
    assert 'kensa_verdicts_total{station="press-3",verdict="PASS"} 1.0' in station.get("/metrics").text


def test_names_of_stations_cannot_fill_the_figures(station: TestClient) -> None:
    metrics = runtime_of(station).metrics
    for number in range(250):
        metrics.count_verdict(f"station-{number}", Verdict.PASS, Reason.NORMAL, {})
    text = metrics.render().decode()
    assert 'station="(others)",verdict="PASS"} 50.0' in text


def test_health_tells_what_runs(station: TestClient) -> None:
    body = station.get("/health").json()
    assert body["ready"] is True
    assert body["bundles"] == [body["champion"]]
    assert (body["profile_versions"], body["queued_images"], body["alarms"]) == ({}, 0, [])


def test_a_request_is_named_in_its_answer_and_in_the_log(tmp_path: Path, bundle: Path) -> None:
    environment = {"KENSA_LOG_FORMAT": "json"}
    with run_service("--bundle", bundle, "--data", tmp_path / "data", environment=environment) as service:
        with service.client() as client:
            client.headers["X-Request-Id"] = "camera-7:381"
            body = post(client, 1, part_png(1)).json()
            named = client.get("/health/live")
            client.headers["X-Request-Id"] = "not sane"
            made = client.get("/health/live").headers["X-Request-Id"]
        assert service.stop() in (0, -15)
        service.reader.join(30)
    assert named.headers["X-Request-Id"] == "camera-7:381"
    assert re.fullmatch(r"[0-9a-f]{16}", made)
    [line] = [event for event in map(json.loads, service.log[1:]) if event["event"] == "inspected"]
    assert (line["request_id"], line["inspection_id"], line["verdict"]) == ("camera-7:381", body["id"], "PASS")
