"""Thresholds, trends, the wall screen, challenge parts and returns, as a person uses them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from service.callers import Role
from service.export.sheets import SHEETS
from tests.browser.conftest import OpenPage
from tests.browser.test_screenshots import IMAGES
from tests.browser.weeks import fill_weeks
from tests.running_service import RunningService, run_service


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory, flange_bundle: Path) -> Iterator[RunningService]:
    """A service with three weeks of three stations on record, and challenge parts that are due at one of them."""
    with run_service("--bundle", flange_bundle, "--data", tmp_path_factory.mktemp("weeks")) as service:
        fill_weeks(service)
        with service.client() as client:
            for part, expectation in (("GOOD-1", "pass"), ("BAD-1", "flagged")):
                body = {
                    "station": "press-5",
                    "part_id": part,
                    "expectation": expectation,
                    "note": "flange of the drawer",
                }
                assert client.post("/api/v1/challenges/parts", json=body).status_code == 201
            again = {"station": "press-5", "kind": "repeat", "note": "lamp was replaced"}
            assert client.post("/api/v1/challenges/acts", json=again).status_code == 201
        yield service


def figure(page: Page, kind: str, key: str) -> str:
    return page.locator(f"[data-{kind}='{key}']").inner_text()


def is_settled(page: Page) -> None:
    expect(page.locator("#trying")).to_have_text("")


def keep(page: Page, name: str, tmp_path: Path) -> None:
    """A screenshot for the docs, where it is asked for."""
    folder = IMAGES if os.environ.get("KENSA_WRITE_SCREENSHOTS") == "1" else tmp_path
    picture = page.screenshot(path=folder / f"{name}.png", full_page=name != "overview")
    assert len(picture) > 20_000


def test_limits_are_dragged_moved_by_keys_proposed_and_applied(
    open_page: OpenPage, weeks: RunningService, tmp_path: Path
) -> None:
    page = open_page("/thresholds?station=press-3", service=weeks)
    handle = page.get_by_role("slider", name="Pass limit of the local score")
    before = float(handle.get_attribute("aria-valuenow") or 0)
    assert before == pytest.approx(0.11)
    expect(page.get_by_role("button", name="Apply", exact=True)).to_be_disabled()
    handle.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    is_settled(page)
    moved = float(handle.get_attribute("aria-valuenow") or 0)
    assert moved > before
    assert figure(page, "tried", "held_share") != figure(page, "now", "held_share")
    box = handle.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] - 160, box["y"] + 40, steps=6)
    page.mouse.up()
    is_settled(page)
    assert float(handle.get_attribute("aria-valuenow") or 0) < moved
    page.get_by_label("Parts a shift").fill("2400")
    is_settled(page)
    dragged = handle.get_attribute("aria-valuenow") or ""
    page.get_by_role("button", name="Propose the cheapest").click()
    expect(handle).not_to_have_attribute("aria-valuenow", dragged)
    is_settled(page)
    expect(page.locator("#told")).to_have_text("")
    expect(page.locator("[data-tried='cost_per_shift']")).not_to_have_text("–")
    page.evaluate("document.activeElement.blur()")
    keep(page, "thresholds", tmp_path)
    halves = page.locator("section", has_text="Which parts were used for what").locator("tbody tr")
    expect(halves).to_have_count(2)
    expect(halves.nth(0)).to_contain_text("the histograms above, and proposals")
    expect(halves.nth(1)).to_contain_text("every figure under “What it would mean”")
    assert all(int(one.inner_text().replace(",", "")) > 0 for one in halves.locator("td:nth-child(3)").all())
    page.get_by_role("button", name="Apply", exact=True).click()
    page.get_by_label("Why (optional)").fill("fewer false alarms")
    page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    expect(page.locator("#thresholds")).to_have_attribute("data-version", "1")
    with weeks.client() as client:
        newest = client.get("/api/v1/profiles", params={"station": "press-3"}).json()["items"][0]
    assert (newest["version"], newest["note"], newest["author"]) == (1, "fewer false alarms", "Aiko Tanaka")


def test_a_viewer_may_try_limits_but_not_apply_them(open_page: OpenPage, weeks: RunningService) -> None:
    page = open_page("/thresholds?station=press-5", service=weeks, person="Vera", role=Role.VIEWER)
    page.get_by_role("slider", name="Fail limit of the global score").focus()
    page.keyboard.press("ArrowLeft")
    is_settled(page)
    expect(page.get_by_role("button", name="Apply", exact=True)).to_have_count(0)
    expect(page.get_by_text("Applying needs the engineer's role.")).to_be_visible()


def test_charts_are_drawn_and_stand_there_as_tables(open_page: OpenPage, weeks: RunningService, tmp_path: Path) -> None:
    page = open_page("/trends?station=press-4", service=weeks)
    expect(page.locator(".main-svg").first).to_be_visible()
    expect(page.locator("section", has_text="Global score").get_by_text("out of control").first).to_be_visible()
    page.get_by_text("As a table").nth(2).click()
    expect(page.locator("tr.marked").first).to_contain_text("beyond the control limits")
    page.get_by_text("As a table").nth(2).click()
    keep(page, "trends", tmp_path)
    page.get_by_label("Span").select_option("hours")
    page.wait_for_url(re.compile("span=hours"))
    expect(page.locator(".main-svg").first).to_be_visible()


def test_the_wall_screen_looks_again_by_itself(open_page: OpenPage, weeks: RunningService, tmp_path: Path) -> None:
    page = open_page("/overview", service=weeks, viewport={"width": 1920, "height": 1080})
    expect(page.locator(".wall-station")).to_have_count(3)
    expect(page.locator(".wall-station.is-shut")).to_contain_text("challenge parts due")
    keep(page, "overview", tmp_path)
    with weeks.client() as client:
        body = {"station": "press-5", "kind": "release", "note": "the part is at the gauge"}
        assert client.post("/api/v1/challenges/acts", json=body).status_code == 201
    expect(page.locator(".wall-station.is-shut")).to_have_count(0, timeout=15_000)
    expect(page.locator(".wall-station", has_text="press-5")).to_contain_text("opened by an engineer")


def test_an_engineer_registers_and_opens_by_the_page(open_page: OpenPage, weeks: RunningService) -> None:
    page = open_page("/challenge", service=weeks)
    page.get_by_label("Station").fill("press-3")
    page.get_by_label("Id of the part").fill("GOOD-3")
    page.get_by_role("button", name="Register").click()
    panel = page.get_by_label("press-3", exact=True)
    expect(panel).to_contain_text("begins with the next shift")
    panel.get_by_label("Why").fill("to try it")
    panel.get_by_role("button", name="Have all shown again").click()
    expect(panel).to_contain_text("Still to be shown: GOOD-3")
    page.get_by_role("button", name="Retire GOOD-3").click()
    expect(page.get_by_label("press-3", exact=True)).to_have_count(0)


def test_every_number_of_the_returns_is_the_readers_own(
    open_page: OpenPage, weeks: RunningService, tmp_path: Path
) -> None:
    page = open_page("/returns", service=weeks)
    gain = page.locator(".headline dd").nth(2).inner_text()
    page.get_by_label("An escape costs").fill("50")
    page.get_by_label("Share caught before (0 to 1)").fill("0.4")
    page.get_by_role("button", name="Calculate").click()
    page.wait_for_url(re.compile("caught_before=0.4"))
    assert page.locator(".headline dd").nth(2).inner_text() != gain
    keep(page, "returns", tmp_path)
    numbers = page.locator("main a[href*='/returns/parts']")
    behind = {(link.get_attribute("href") or ""): int(link.inner_text().replace(",", "")) for link in numbers.all()}
    assert len(behind) == 8
    assert sum(count > 0 for count in behind.values()) >= 6
    for address, count in behind.items():
        page.goto(weeks.address + address)
        assert page.locator("tbody th a").count() == min(count, 100), address
    page.goto(weeks.address + next(address for address in behind if "of=caught" in address))
    page.locator("tbody a").first.click()
    expect(page.locator("#part")).to_be_visible()


def test_everything_comes_as_csv_from_its_page(open_page: OpenPage, weeks: RunningService) -> None:
    page = open_page("/export", service=weeks)
    sheets = page.locator("a[href^='/api/v1/export/']").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert {sheet.rsplit("/", 1)[1] for sheet in sheets} == set(SHEETS)
    with page.expect_download() as download:
        page.get_by_role("link", name="Inspections", exact=True).click()
    assert len(Path(download.value.path()).read_text("utf-8-sig").splitlines()) > 3000
    for address in ("/trends", "/returns"):
        page.goto(weeks.address + address)
        link = page.locator("a[href*='.csv']").first.get_attribute("href") or ""
        answer = page.request.get(weeks.address + link)
        assert answer.headers["content-type"].startswith("text/csv"), address
        assert len(answer.text().splitlines()) > 2, address


def test_an_administrator_lets_a_person_in_and_hands_over_a_link(
    open_page: OpenPage, weeks: RunningService, tmp_path: Path
) -> None:
    page = open_page("/people", service=weeks)
    page.get_by_label("Name", exact=True).fill("Kenji Mori")
    page.get_by_label("Role").select_option("engineer")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("h1")).to_have_text("Kenji Mori")
    expect(page.locator(".tiles")).to_contain_text("engineer")
    page.get_by_role("button", name="Make a link").click()
    made = page.get_by_label("Shown only now")
    expect(made).to_have_value(re.compile("/sign-in#"))
    guest = open_page(made.input_value().removeprefix(weeks.address), service=weeks, person="")
    guest.wait_for_url(re.compile(r"/review$"))
    expect(guest.locator(".person summary")).to_have_text("Kenji Mori")
    page.reload()
    expect(page.locator(".tiles")).not_to_contain_text("never")
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("button", name="Let in again")).to_be_visible()
    page.goto(weeks.address + "/people")
    expect(page.locator("tr", has_text="Kenji Mori")).to_contain_text("disabled")
    keep(page, "people", tmp_path)
