"""A person comes in: by password, by a link, by single sign-on, and out again."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import expect

from service.access.operations import add_link, add_person, set_password
from service.callers import Role
from tests.browser.conftest import OpenPage
from tests.running_service import RunningService, run_service
from tests.service.oidc_provider import CLIENT_SECRET, plan_text, running_provider

PASSWORD = "correct horse battery"
FIELDS = ("Old password", "New password", "New password, once more")


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


def test_a_person_changes_their_own_password(open_page: OpenPage, service: RunningService) -> None:
    add_person(service.database, "Mio Abe", Role.VIEWER, None, actor="test")
    set_password(service.database, "Mio Abe", PASSWORD, actor="test")
    page = open_page("/review", person="Mio Abe", role=Role.VIEWER)
    page.get_by_text("Mio Abe").click()
    page.get_by_role("link", name="Change password").click()
    old, new, again = (page.get_by_label(name, exact=True) for name in FIELDS)
    change = page.get_by_role("button", name="Change password")
    old.fill(PASSWORD)
    new.fill("battery staple horse")
    again.fill("battery staple house")
    change.click()
    assert again.evaluate("field => field.validationMessage") == "The two are not the same."
    again.fill("battery staple horse")
    change.click()
    expect(page.get_by_role("status")).to_contain_text("You were signed in nowhere else.")
    expect(page.get_by_text("Mio Abe").first).to_be_visible()


def test_by_a_link_whose_token_leaves_no_trace(open_page: OpenPage, service: RunningService) -> None:
    add_person(service.database, "Kenji Mori", Role.VIEWER, None, actor="test")
    token = add_link(service.database, "Kenji Mori", actor="test")
    page = open_page(f"/sign-in#{token}", person="")
    page.wait_for_url(re.compile(r"/review$"))
    expect(page.get_by_text("Kenji Mori")).to_be_visible()
    assert token not in b"".join(service.log).decode()
    assert page.evaluate("history.length") <= 2


def test_by_single_sign_on_and_out_again(open_page: OpenPage, flange_bundle: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with running_provider() as provider, ExitStack() as stack:
        provider.address = f"http://127.0.0.1:{port}"
        plan = tmp_path / "oidc.toml"
        plan.write_text(plan_text(provider))
        told = {"KENSA_OIDC": str(plan), "KENSA_OIDC_CLIENT_SECRET": CLIENT_SECRET}
        options = ("--bundle", flange_bundle, "--data", tmp_path / "data", "--port", port)
        service = stack.enter_context(run_service(*map(str, options), environment=told))
        page = open_page("/trends", person="", service=service)
        page.get_by_role("link", name="Sign in with Plant login").click()
        page.wait_for_url(re.compile(r"/trends$"))
        page.get_by_text("Mei Kato").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(re.compile(r"/sign-in$"))
        assert provider.asked[-1] == "/end_session"
        provider.person["groups"] = ["canteen"]
        page.get_by_role("link", name="Sign in with Plant login").click()
        expect(page.get_by_role("alert").filter(has_text="not among those that may use Kensa")).to_be_visible()
        # Before its service goes.
        page.close()
