"""A whole shift by keyboard alone, timed; spot checks and second opinions among the flagged parts; two people at once.

The seconds per decision are those of the script, the browser and the service together, without a person's thinking.
From the key to the next part with its picture is measured by the browser's own clock; and what the service and the
page worked meanwhile, which a loaded machine changes little. All is printed, and written to
`seconds-per-decision.json` in the folder that KENSA_ARTEFACTS names.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from deploy.bench.watched import Watched
from service.callers import Role
from tests.browser.conftest import OpenPage
from tests.browser.line import post_shift
from tests.browser.steps import start_review
from tests.running_service import RunningService, run_service

# `make shift` has a few hundred; among all tests some dozens must do.
PART_COUNT = int(os.environ.get("KENSA_SHIFT_PARTS") or 48)
# What a person looks before they decide: the next part is fetched meanwhile. Among all tests nobody looks.
THINK_S = float(os.environ.get("KENSA_SHIFT_THINK_S") or 0)
CHECKS = {"passed_rate": 0.15, "blind_flagged_rate": 0.1, "repeat_rate": 0.0}
KEYS = "dffdfu1f"
# The page's own clock: from the key to the frame in which the next part stands with its picture.
WATCH_KEYS = """() => {
  let pressedAt = null, shown = document.getElementById('part').dataset.id;
  window.keyToNextMs = [];
  document.addEventListener('keydown', event => { pressedAt = event.timeStamp; }, true);
  new MutationObserver(() => {
    const part = document.getElementById('part'), from = pressedAt;
    if (!part || part.dataset.id === shown) return;
    shown = part.dataset.id;
    const seen = () => requestAnimationFrame(() => window.keyToNextMs.push(performance.now() - from));
    Promise.resolve(part.querySelector('.stage-picture image')?.decode?.()).then(seen, seen);
  }).observe(document.body, { childList: true });
}"""
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


@dataclass
class Taken:
    """What decisions took."""

    seconds: list[float] = field(default_factory=list)
    """From each key until the script saw the next part."""
    key_to_next_ms: list[float] = field(default_factory=list)
    """The same by the browser's clock; not of the last one, which leads back to the queue."""
    service_cpu_s: float = 0.0
    page_cpu_s: float = 0.0
    """Of the page's main thread, without drawing."""


def review(page: Page, keys: str, service: RunningService) -> Taken:
    """Decide until nothing waits for this person any more."""
    first = start_review(page)
    page.keyboard.press("n")
    page.keyboard.type("dent")
    page.keyboard.press("Enter")
    page.wait_for_function(SHOWN, arg=first)
    page.evaluate(WATCH_KEYS)
    taken, watched = Taken(), Watched(service.child.pid)
    read_page_cpu_s = page_clock(page)
    service_before_s, page_before_s = watched.precise_cpu_s(), read_page_cpu_s()
    took_s = taken.seconds
    while (shown := page.locator("#part")).count():
        identity = shown.get_attribute("data-id")
        taken.page_cpu_s = read_page_cpu_s() - page_before_s
        page.wait_for_timeout(1e3 * THINK_S)
        start = time.perf_counter()
        page.keyboard.press(keys[len(took_s) % len(keys)])
        page.wait_for_function(SHOWN, arg=identity)
        took_s.append(time.perf_counter() - start)
        # With the page of the last one goes what was measured there.
        taken.key_to_next_ms += page.evaluate("window.keyToNextMs?.splice(0) ?? []")
    taken.service_cpu_s = watched.precise_cpu_s() - service_before_s
    return taken


def page_clock(page: Page) -> Callable[[], float]:
    """How many seconds the page's main thread has worked so far."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read() -> float:
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"])

    return read


def decisions(station: httpx.Client) -> Counter[str]:
    summary: dict[str, Any] = station.get("/api/v1/summary").json()
    return Counter(summary["dispositions"])


@pytest.mark.timeout(1800)
def test_a_shift_by_keyboard_alone(
    open_page: OpenPage, service: RunningService, station: httpx.Client, tmp_path: Path
) -> None:
    page = open_page("/review", person="Aiko Tanaka", role=Role.REVIEWER)
    page.wait_for_selector("time[title]")
    waiting = station.get("/api/v1/waiting").json()["waiting"]
    taken = review(page, KEYS, service)
    expect(page.locator("h1")).to_have_text("Nothing waits for you")
    assert len(taken.seconds) == waiting - 1
    assert len(taken.key_to_next_ms) >= waiting - 3
    counted = decisions(station)
    assert counted.total() == waiting
    assert counted["unclear"] > 0
    expect(page.locator(".queue-head")).to_contain_text(f"{counted['unclear']} more wait for a second opinion")
    write_figures(taken, Path(os.environ.get("KENSA_ARTEFACTS") or tmp_path))
    settle_what_was_unclear(open_page, station, counted["unclear"])
    look_at_what_escapes(open_page, station)
    rename_a_defect(open_page)


def write_figures(taken: Taken, folder: Path) -> None:
    count = len(taken.seconds)
    figures = {
        "decisions": count,
        "median_s": round(statistics.median(taken.seconds), 3),
        "p95_s": round(statistics.quantiles(taken.seconds, n=20)[-1], 3),
        "key_to_next_part_median_ms": round(statistics.median(taken.key_to_next_ms), 1),
        "key_to_next_part_p95_ms": round(statistics.quantiles(taken.key_to_next_ms, n=20)[-1], 1),
        "service_cpu_ms_per_decision": round(1e3 * taken.service_cpu_s / count, 1),
        "page_cpu_ms_per_decision": round(1e3 * taken.page_cpu_s / count, 1),
        "parts_posted": PART_COUNT,
        "looked_s": THINK_S,
    }
    print(f"\nseconds per decision: {figures}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "seconds-per-decision.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
    assert all(figure > 0 for name, figure in json.loads(path.read_text()).items() if name != "looked_s")


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
