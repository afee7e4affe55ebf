"""Pictures of the pages for the documentation: KENSA_WRITE_SCREENSHOTS=1 writes them into docs/images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from service.callers import Role
from tests.browser.conftest import OpenPage
from tests.browser.line import post_shift
from tests.browser.test_touch import UPRIGHT
from tests.running_service import RunningService, run_service
from tests.service.credentials import make_session

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
NAMES = ("scratch", "stain", "dent", "scratch", "undrilled", "scratch")
LEAST_BYTES = 20_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = IMAGES if os.environ.get("KENSA_WRITE_SCREENSHOTS") == "1" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def draw_from_everything(service: RunningService) -> None:
    """Profiles of one line that draw spot checks."""
    checks = {"passed_rate": 0.3, "blind_flagged_rate": 0.15, "repeat_rate": 0.0}
    with service.client() as client:
        for station in ("press-3", "press-4"):
            body = {"station": station, "profile": {"line": "casting", "spot_checks": checks}}
            client.post("/api/v1/profiles", json=body).raise_for_status()


def waiting_ids(client: httpx.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/api/v1/inspections", params={"limit": 200}).json()["items"]
    return items


def decide_all(service: RunningService) -> None:
    """Every flagged part, and every spot check, by two people in turn."""
    people = [f"kensa_session={make_session(service.database, name, Role.REVIEWER)}" for name in ("Aiko", "Ben")]
    with service.client() as client:
        flagged = [item for item in waiting_ids(client) if item["verdict"] != "PASS"]
        for number, item in enumerate(flagged):
            defect = {"decision": "confirmed_defect", "defect": NAMES[number % len(NAMES)]}
            body = defect if number % 4 else {"decision": "false_alarm"}
            headers = {"Cookie": people[number % 2]}
            client.post(f"/api/v1/inspections/{item['id']}/dispositions", json=body, headers=headers).raise_for_status()
        for item in waiting_ids(client):
            if item["verdict"] == "PASS":
                address = f"/api/v1/inspections/{item['id']}/dispositions"
                client.post(address, json={"decision": "false_alarm"}).raise_for_status()


def keep(page: Page, path: Path) -> int:
    """Write the picture, and return its bytes: few where a page shows next to nothing."""
    page.wait_for_load_state("networkidle")
    return len(page.screenshot(path=path))


def test_one_part_and_the_grid(open_page: OpenPage, folder: Path, tmp_path: Path, flange_bundle: Path) -> None:
    # A station of its own: nobody has decided anything there yet.
    with run_service("--bundle", flange_bundle, "--data", tmp_path / "data") as service:
        draw_from_everything(service)
        post_shift(service)
        with service.client() as client:
            held = [item for item in waiting_ids(client) if item["verdict"] == "HOLD" and item["regions"]]
        page = open_page("/review", service=service)
        shown = set(page.locator(".card:not(:has(.chip.blind))").evaluate_all("all => all.map(one => one.dataset.id)"))
        open_held = [item for item in held if str(item["id"]) in shown]
        telling = max(open_held, key=lambda item: sum(region["area_px"] for region in item["regions"]))
        page.keyboard.press("g")
        for key in ("Space", "ArrowRight", "ArrowRight", "ArrowRight", "Shift+Space"):
            page.keyboard.press(key)
        assert keep(page, folder / "grid.png") > LEAST_BYTES
        page.goto(service.address + telling["links"]["review"])
        assert keep(page, folder / "review.png") > LEAST_BYTES
        page.close()
        japanese = open_page(telling["links"]["review"], service=service, locale="ja-JP", color_scheme="dark")
        expect(japanese.locator("html")).to_have_attribute("lang", "ja")
        assert keep(japanese, folder / "review-ja.png") > LEAST_BYTES
        japanese.close()
        tablet = open_page(telling["links"]["review"], service=service, **UPRIGHT)
        tablet.wait_for_selector("#part[data-ready]")
        assert keep(tablet, folder / "tablet.png") > LEAST_BYTES
        tablet.goto(service.address + "/review")
        expect(tablet.locator("#start")).to_contain_text("Go on where you left off")
        assert keep(tablet, folder / "queue.png") > LEAST_BYTES
        tablet.close()


def test_what_decisions_say(open_page: OpenPage, folder: Path, tmp_path: Path, flange_bundle: Path) -> None:
    with run_service("--bundle", flange_bundle, "--data", tmp_path / "data") as service:
        draw_from_everything(service)
        post_shift(service)
        decide_all(service)
        page = open_page("/spot-checks", service=service)
        assert keep(page, folder / "spot-checks.png") > LEAST_BYTES
        page.goto(service.address + "/defect-names")
        page.wait_for_selector("#pareto .bars .point")
        assert keep(page, folder / "defect-names.png") > LEAST_BYTES
        page.close()
