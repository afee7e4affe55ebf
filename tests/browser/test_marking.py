"""A person draws where the defect is, erases what is none, and looks at the heat map from their own threshold on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage


def open_part(open_page: OpenPage, station: httpx.Client, verdict: str = "HOLD") -> tuple[Page, Any]:
    inspection = undecided(station, verdict)
    page = open_page(f"/review/{inspection['id']}")
    page.wait_for_selector("#part[data-ready]")
    return page, inspection


def undecided(station: httpx.Client, verdict: str) -> Any:
    """One that has a region, and that no test has decided yet."""
    items = station.get("/api/v1/inspections", params={"verdict": verdict, "limit": 200}).json()["items"]
    return next(item for item in items if item["regions"] and not decisions(station, item))


def decisions(station: httpx.Client, inspection: Any) -> list[Any]:
    items: list[Any] = station.get(f"/api/v1/inspections/{inspection['id']}/dispositions").json()["items"]
    return items


def stored_marks(station: httpx.Client, inspection: Any) -> Any:
    return decisions(station, inspection)[-1]["marks"]


def decide(page: Page, inspection: Any) -> None:
    page.keyboard.press("d")
    page.wait_for_function("id => document.getElementById('part').dataset.id !== id", arg=str(inspection["id"]))


def test_a_box_by_keys_goes_out_with_the_decision(open_page: OpenPage, station: httpx.Client) -> None:
    page, inspection = open_part(open_page, station)
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="Draw")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("g")
    page.keyboard.press("0")
    expect(page.locator("rect.drawn")).to_have_count(1)
    decide(page, inspection)
    # The view is 256 px wide: a fifth of it in the middle, a fortieth to the left, a fortieth higher.
    box = stored_marks(station, inspection)["drawn"][0]
    assert box["x_px"] == pytest.approx(256 * (0.4 - 1 / 40), abs=1)
    assert box["y_px"] == pytest.approx(256 * 0.4, abs=1)
    assert box["width_px"] == pytest.approx(256 / 5, abs=2)
    assert box["height_px"] == pytest.approx(256 * (1 / 5 + 1 / 40), abs=2)


def test_a_box_by_pointer_and_a_region_that_is_none(open_page: OpenPage, station: httpx.Client) -> None:
    page, inspection = open_part(open_page, station, "FAIL")
    page.get_by_role("button", name="Draw").click()
    photo = page.locator(".stage .picture-photo").bounding_box()
    assert photo is not None
    scale = photo["width"] / 256
    page.mouse.move(photo["x"] + 50 * scale, photo["y"] + 60 * scale)
    page.mouse.down()
    page.mouse.move(photo["x"] + 90 * scale, photo["y"] + 80 * scale)
    page.mouse.up()
    expect(page.locator("[data-zoom-shown]")).to_have_text("100 %")
    page.get_by_role("button", name="Region 1 is none").click()
    expect(page.locator(".region.erased")).to_have_count(1)
    decide(page, inspection)
    marks = stored_marks(station, inspection)
    assert marks["erased"] == [1]
    assert [marks["drawn"][0][name] for name in ("x_px", "y_px")] == pytest.approx([50, 60], abs=1)
    assert [marks["drawn"][0][name] for name in ("width_px", "height_px")] == pytest.approx([40, 20], abs=2)
    regions = station.get(f"/api/v1/inspections/{inspection['id']}").json()["regions"]
    assert regions == inspection["regions"]


def test_what_was_not_kept_is_not_stored(open_page: OpenPage, station: httpx.Client) -> None:
    page, inspection = open_part(open_page, station)
    page.keyboard.press("m")
    page.keyboard.press("x")
    page.keyboard.press("g")
    page.keyboard.press("x")
    page.keyboard.press("x")
    expect(page.locator(".region.erased")).to_have_count(0)
    page.keyboard.press("m")
    decide(page, inspection)
    assert stored_marks(station, inspection) is None


def test_the_heat_map_from_a_score_on(open_page: OpenPage, station: httpx.Client) -> None:
    page, _ = open_part(open_page, station)
    expect(page.locator(".picture-heat")).not_to_have_attribute("filter", "url(#heat-from)")
    for _ in range(10):
        page.keyboard.press(".")
    # 1.5 times the pass limit is two thirds of the way from half to twice of it.
    steps = [float(step) for step in (page.locator("feFuncA").get_attribute("tableValues") or "").split()]
    assert [step for step in steps if 0 < step < 2 / 3] == []
    assert steps[-1] == 1
    expect(page.locator(".picture-heat")).to_have_attribute("filter", "url(#heat-from)")
    slider = page.get_by_role("slider", name="The heat map from which local score on")
    expect(slider).to_have_value("150")
    slider.fill("50")
    expect(page.locator(".picture-heat")).not_to_have_attribute("filter", "url(#heat-from)")
