"""A person comes in: by password, by a link, and out again."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from service.access.operations import add_link, add_person
from service.callers import Role
from tests.browser.conftest import OpenPage
from tests.running_service import RunningService

PASSWORD = "correct horse battery"


def test_by_password_and_out_again(open_page: OpenPage, service: RunningService) -> None:
    add_person(service.database, "Emi Sato", Role.REVIEWER, PASSWORD, actor="test")
    page = open_page("/review/1", person="")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Freview%2F1$"))
    page.keyboard.type("Emi Sato")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/review/1$"))
    page.get_by_text("Emi Sato").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile(r"/sign-in$"))
    page.goto(service.address + "/review")
    expect(page).to_have_url(re.compile(r"/sign-in"))


def test_by_a_link_whose_token_leaves_no_trace(open_page: OpenPage, service: RunningService) -> None:
    add_person(service.database, "Kenji Mori", Role.VIEWER, None, actor="test")
    token = add_link(service.database, "Kenji Mori", actor="test")
    page = open_page(f"/sign-in#{token}", person="")
    page.wait_for_url(re.compile(r"/review$"))
    expect(page.get_by_text("Kenji Mori")).to_be_visible()
    assert token not in b"".join(service.log).decode()
    assert page.evaluate("history.length") <= 2
