"""A whole shift by keyboard alone, timed; spot checks and second opinions among the flagged parts; two people at once.

The seconds per decision are those of the script and the service together, without a person's thinking. They are
printed, and written to `seconds-per-decision.json` in the folder that KENSA_ARTEFACTS names.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from service.callers import Role
from tests.browser.conftest import OpenPage
from tests.browser.line import post_shift
from tests.browser.steps import start_review
from tests.running_service import RunningService, run_service

# `make shift` has a few hundred; among all tests some dozens must do.
PART_COUNT = int(os.environ.get("KENSA_SHIFT_PARTS") or 48)
CHECKS = {"passed_rate": 0.15, "blind_flagged_rate": 0.1, "repeat_rate": 0.0}
KEYS = "dffdfu1f"
SHOWN = "id => document.getElementById('part')?.dataset.id !== id"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, flange_bundle: Path) -> Iterator[RunningService]:
    """A few hundred parts, some of those that passed drawn for a spot check."""
    with run_service("--bundle", flange_bundle, "--data", tmp_path_factory.mktemp("shift")) as service:
        with service.client() as client:
            for station in ("press-3", "press-4"):
                profile = {"line": "casting", "spot_checks": CHECKS}
                client.post("/api/v1/profiles", json={"station": station, "profile": profile}).raise_for_status()
        post_shift(service, PART_COUNT)
        yield service


def review(page: Page, keys: str) -> list[float]:
    """Decide until nothing waits for this person any more; seconds from each key to the next part."""
    first = start_review(page)
    page.keyboard.press("n")
    page.keyboard.type("dent")
    page.keyboard.press("Enter")
    page.wait_for_function(SHOWN, arg=first)
    took_s: list[float] = []
    while (shown := page.locator("#part")).count():
        identity = shown.get_attribute("data-id")
        start = time.perf_counter()
        page.keyboard.press(keys[len(took_s) % len(keys)])
        page.wait_for_function(SHOWN, arg=identity)
        took_s.append(time.perf_counter() - start)
    return took_s


def decisions(station: httpx.Client) -> Counter[str]:
    summary: dict[str, Any] = station.get("/api/v1/summary").json()
    return Counter(summary["dispositions"])


@pytest.mark.timeout(1800)
def test_a_shift_by_keyboard_alone(open_page: OpenPage, station: httpx.Client, tmp_path: Path) -> None:
    page = open_page("/review", person="Aiko Tanaka", role=Role.REVIEWER)
    page.wait_for_selector("time[title]")
    waiting = station.get("/api/v1/waiting").json()["waiting"]
    took_s = review(page, KEYS)
    expect(page.locator("h1")).to_have_text("Nothing waits for you")
    assert len(took_s) == waiting - 1
    counted = decisions(station)
    assert counted.total() == waiting
    assert counted["unclear"] > 0
    expect(page.locator(".queue-head")).to_contain_text(f"{counted['unclear']} more wait for a second opinion")
    write_figures(took_s, Path(os.environ.get("KENSA_ARTEFACTS") or tmp_path))
    settle_what_was_unclear(open_page, station, counted["unclear"])
    look_at_what_escapes(open_page, station)
    rename_a_defect(open_page)


def write_figures(took_s: list[float], folder: Path) -> None:
    figures = {
        "decisions": len(took_s),
        "median_s": round(statistics.median(took_s), 3),
        "p95_s": round(statistics.quantiles(took_s, n=20)[-1], 3),
        "parts_posted": PART_COUNT,
    }
    print(f"\nseconds per decision: {figures}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "seconds-per-decision.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
    assert json.loads(path.read_text())["median_s"] > 0


def settle_what_was_unclear(open_page: OpenPage, station: httpx.Client, unclear: int) -> None:
    """Another person is asked, and nobody else."""
    page = open_page("/review?second_opinion=true", person="Ben Ito", role=Role.REVIEWER)
    expect(page.locator("h1")).to_contain_text(f"{unclear} parts wait")
    page.locator("#start").click()
    page.wait_for_selector("#part")
    page.wait_for_load_state("networkidle")
    for number in range(unclear):
        expect(page.locator(".asked")).to_contain_text("A second opinion")
        identity = page.locator("#part").get_attribute("data-id")
        expect(page.locator("#waiting")).to_have_text(f"{unclear - number} left")
        page.keyboard.press("f")
        page.wait_for_function(SHOWN, arg=identity)
    assert decisions(station)["unclear"] == 0
    assert station.get("/api/v1/summary").json()["second_opinions"] == 0


def look_at_what_escapes(open_page: OpenPage, station: httpx.Client) -> None:
    """The spot checks of the shift, on their page."""
    escapes = station.get("/api/v1/spot-checks/report").json()["escapes"]
    assert escapes["waiting_count"] == escapes["unclear_count"] == 0
    assert 0 < escapes["defective_share"]["total"] == escapes["drawn_count"] < escapes["passed_count"]
    page = open_page("/spot-checks")
    expect(page.locator(".lead")).to_contain_text(f"in {escapes['drawn_count']} spot checks")
    page.get_by_label("Station").select_option("press-3")
    page.wait_for_url("**/spot-checks?line=&station=press-3&days=90")
    here = station.get("/api/v1/spot-checks/report", params={"station": "press-3"}).json()["escapes"]["drawn_count"]
    # Chance may have drawn none at this station.
    expected = f"in {here} spot check" if here else "No spot check has been decided yet"
    expect(page.locator(".lead")).to_contain_text(expected)


def rename_a_defect(open_page: OpenPage) -> None:
    """On the page of names, as an engineer; and back again."""
    page = open_page("/defect-names")
    expect(page.locator("#pareto .bars .point")).to_have_count(2)
    page.get_by_label("New name").fill("impression")
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_role("link", name="impression")).to_be_visible()
    expect(page.locator("#pareto")).to_contain_text("impression")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("link", name="dent")).to_be_visible()
