"""A person leaves in the middle of the queue, and goes on there: later, and at another machine."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from service.access.operations import add_person
from service.callers import Role
from tests.browser.conftest import OpenPage
from tests.browser.test_deciding import left, shown_id, wait_for_another
from tests.running_service import RunningService

PASSWORD = "correct horse battery"


def sign_in(page: Page, name: str) -> None:
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/review$"))
    page.wait_for_selector("time[title]")


def go_on(page: Page) -> str:
    page.keyboard.press("Enter")
    page.wait_for_selector("#part[data-ready]")
    return shown_id(page)


@pytest.mark.parametrize(("name", "locale"), [("Emi Sato", "en-US"), ("Ren Ito", "ja-JP")])
def test_at_another_machine_after_signing_in_again(
    open_page: OpenPage, service: RunningService, name: str, locale: str
) -> None:
    add_person(service.database, name, Role.REVIEWER, PASSWORD, actor="test")
    page = open_page("/review", person="", locale=locale)
    sign_in(page, name)
    page.goto(service.address + "/review?lot=L2611-07&order=newest")
    page.wait_for_selector("time[title]")
    first = go_on(page)
    page.keyboard.press("f")
    second = wait_for_another(page, first)
    page.keyboard.press("ArrowRight")
    third = wait_for_another(page, second)
    page.wait_for_load_state("networkidle")
    count = left(page) if locale == "en-US" else None
    page.get_by_text(name).click()
    page.locator("#sign-out").click()
    page.wait_for_url(re.compile(r"/sign-in$"))

    another = open_page("/review", person="", locale=locale)
    sign_in(another, name)
    button = another.locator("#start")
    expect(button).to_contain_text("Go on where you left off" if locale == "en-US" else "前回の続きから")
    expect(another.locator(".asked-for").first).to_have_text("L2611-07")
    assert go_on(another) == third
    expect(another).to_have_url(re.compile(rf"/review/{third}\?lot=L2611-07&order=newest$"))
    if count is not None:
        assert left(another) == count
    another.keyboard.press("q")
    another.wait_for_url(re.compile(r"\?lot=L2611-07&order=newest$"))
    another.get_by_role("link", name="Show all" if locale == "en-US" else "すべて表示").click()
    another.wait_for_url(re.compile(r"order=worst$"))
    expect(another.locator("#start")).to_contain_text("Start review" if locale == "en-US" else "確認を始める")
