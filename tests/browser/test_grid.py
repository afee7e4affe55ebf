"""Many parts at once: chosen by keys or mouse, decided by one key, taken back by one key."""

from __future__ import annotations

import httpx
from playwright.sync_api import Page, expect

from service.callers import Role
from tests.browser.conftest import OpenPage
from tests.running_service import RunningService
from tests.service.credentials import make_session


def open_grid(open_page: OpenPage) -> Page:
    page = open_page("/review")
    page.wait_for_selector("time[title]")
    page.keyboard.press("g")
    expect(page.get_by_role("toolbar", name="Decide about all chosen parts")).to_be_visible()
    return page


def ids(page: Page) -> list[str]:
    found: list[str] = page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.id)")
    return found


def chosen(page: Page) -> list[str]:
    found: list[str] = page.get_by_role("checkbox", checked=True).evaluate_all(
        "all => all.map(card => card.dataset.id)"
    )
    assert len(found) == page.get_by_role("checkbox", checked=True).count()
    return found


def standing(station: httpx.Client, identity: str) -> str:
    items = station.get(f"/api/v1/inspections/{identity}/dispositions").json()["items"]
    return str(items[-1]["decision"]) if items else "-"


def test_by_keys_alone(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_grid(open_page)
    before = ids(page)
    expect(page.locator(".card").first).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Space")
    assert chosen(page) == before[:3]
    page.keyboard.press("f")
    expect(page.locator("#announcement")).to_have_text("3 decided.")
    assert ids(page) == before[3:]
    assert [standing(station, identity) for identity in before[:4]] == ["false_alarm"] * 3 + ["-"]
    page.keyboard.press("z")
    expect(page.locator("#announcement")).to_have_text("The decision is withdrawn.")
    assert ids(page) == before
    assert [standing(station, identity) for identity in before[:3]] == ["withdrawn"] * 3
    page.keyboard.press("z")
    expect(page.get_by_role("alert")).to_have_text("There is nothing to undo.")


def test_by_mouse_with_shift(open_page: OpenPage) -> None:
    page = open_grid(open_page)
    before = ids(page)
    page.locator(".card").nth(1).click()
    page.locator(".card").nth(4).click(modifiers=["Shift"])
    assert chosen(page) == before[1:5]
    page.locator(".card").nth(2).click()
    assert chosen(page) == [before[1], *before[3:5]]
    page.get_by_role("button", name="All").click()
    assert chosen(page) == before
    page.get_by_role("button", name="All").click()
    assert chosen(page) == []
    page.keyboard.press("d")
    expect(page.get_by_role("alert")).to_have_text("Nothing is chosen.")
    page.keyboard.press("Escape")
    page.locator(".card").first.click()
    page.wait_for_url(f"**/review/{before[0]}")


def test_what_another_person_looks_at_is_left(
    open_page: OpenPage, station: httpx.Client, service: RunningService
) -> None:
    page = open_grid(open_page)
    first, second = ids(page)[:2]
    before = standing(station, first)
    ben = {"Cookie": f"kensa_session={make_session(service.database, 'Ben', Role.REVIEWER)}"}
    station.post(f"/api/v1/inspections/{first}/lease", headers=ben)
    page.locator(".card").nth(0).click()
    page.locator(".card").nth(1).click()
    page.keyboard.press("f")
    expect(page.get_by_role("alert")).to_have_text("1 were not decided: others look at them, or have decided.")
    assert [standing(station, identity) for identity in (first, second)] == [before, "false_alarm"]
    assert ids(page)[0] == first


def test_who_only_looks_has_no_grid(open_page: OpenPage) -> None:
    page = open_page("/review", person="Vera Viewer", role=Role.VIEWER)
    page.keyboard.press("g")
    expect(page.get_by_role("button", name="Grid")).to_have_count(0)
    expect(page.locator(".queue.grid")).to_have_count(0)
