"""A person decides, with nothing but a keyboard."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from service.callers import Role
from tests.browser.conftest import OpenPage
from tests.browser.steps import start_review
from tests.running_service import RunningService
from tests.service.credentials import make_session

PART = "#part"


def dispositions(station: httpx.Client, inspection_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = station.get(f"/api/v1/inspections/{inspection_id}/dispositions").json()["items"]
    return items


def shown_id(page: Page) -> str:
    return page.locator(PART).get_attribute("data-id") or ""


def left(page: Page) -> int:
    return int((page.locator("#waiting").text_content() or "").split()[0])


def wait_for_another(page: Page, inspection_id: str) -> str:
    """Wait until another part is shown than `inspection_id`, and say which."""
    page.wait_for_function("id => document.getElementById('part').dataset.id !== id", arg=inspection_id)
    return shown_id(page)


def test_a_decision_is_stored_with_the_name_of_who_is_signed_in(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page("/review", person="Duff Unfried", role=Role.REVIEWER)
    first = start_review(page)
    count = left(page)
    before = datetime.now(UTC)
    page.keyboard.press("d")
    second = wait_for_another(page, first)
    page.keyboard.press("f")
    third = wait_for_another(page, second)
    page.keyboard.press("u")
    wait_for_another(page, third)
    stored = [dispositions(station, identity) for identity in (first, second, third)]
    assert [[item["decision"] for item in items] for items in stored] == [
        ["confirmed_defect"],
        ["false_alarm"],
        ["unclear"],
    ]
    for items in stored:
        assert items[0]["reviewer"] == "Duff Unfried"
        assert before <= datetime.fromisoformat(items[0]["decided_at"]) <= datetime.now(UTC)
    expect(page.locator("#waiting")).to_have_text(f"{count - 3} left")


def test_the_next_part_comes_without_a_reload(open_page: OpenPage) -> None:
    page = open_page("/review")
    first = start_review(page)
    following = page.locator(PART).get_attribute("data-next")
    page.evaluate("window.stillHere = true")
    page.keyboard.press("u")
    second = wait_for_another(page, first)
    assert second == following
    assert page.evaluate("window.stillHere") is True
    expect(page).to_have_url(re.compile(f"/review/{second}$"))
    assert page.title().startswith(page.locator("h1").text_content() or "?")
    expect(page.locator("#announcement")).to_contain_text("stands out")


def test_the_next_parts_pictures_are_fetched_ahead(open_page: OpenPage) -> None:
    page = open_page("/review")
    start_review(page)
    following = page.locator(PART).get_attribute("data-next")
    page.wait_for_function(
        "id => performance.getEntriesByType('resource').some(entry => entry.name.endsWith(`/review/${id}/picture`))",
        arg=following,
    )
    assert following


def test_buttons_do_what_their_keys_do(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page("/review")
    first = start_review(page)
    page.get_by_role("button", name="False alarm").click()
    wait_for_another(page, first)
    assert dispositions(station, first)[0]["decision"] == "false_alarm"


def test_arrows_and_the_back_button_walk(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page("/review")
    first = start_review(page)
    page.keyboard.press("ArrowRight")
    second = wait_for_another(page, first)
    page.keyboard.press("ArrowLeft")
    assert wait_for_another(page, second) == first
    page.go_back()
    assert wait_for_another(page, first) == second
    assert dispositions(station, first) == dispositions(station, second) == []


def test_a_decided_part_says_so_and_can_be_decided_again(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page("/review")
    first = start_review(page)
    page.keyboard.press("d")
    wait_for_another(page, first)
    page.goto(page.url.rsplit("/", 1)[0] + f"/{first}")
    expect(page.locator(".decided")).to_contain_text("confirmed defect by Aiko Tanaka")
    page.keyboard.press("f")
    wait_for_another(page, first)
    assert [item["decision"] for item in dispositions(station, first)] == ["confirmed_defect", "false_alarm"]


def test_what_another_person_decided_meanwhile_is_told(
    open_page: OpenPage, station: httpx.Client, service: RunningService
) -> None:
    page = open_page("/review")
    first = start_review(page)
    page.wait_for_load_state("networkidle")
    following = page.locator(PART).get_attribute("data-next")
    address = f"/api/v1/inspections/{following}/dispositions"
    other = {"Cookie": f"kensa_session={make_session(service.database, 'Ben', Role.REVIEWER)}"}
    assert station.post(address, json={"decision": "false_alarm"}, headers=other).status_code == 201
    page.keyboard.press("f")
    assert wait_for_another(page, first) == following
    expect(page.locator(".decided")).to_contain_text("false alarm by Ben")


def test_who_is_asked_meanwhile_for_a_second_opinion_is_told(
    open_page: OpenPage, station: httpx.Client, service: RunningService
) -> None:
    page = open_page("/review")
    first = start_review(page)
    page.wait_for_load_state("networkidle")
    following = page.locator(PART).get_attribute("data-next")
    other = {"Cookie": f"kensa_session={make_session(service.database, 'Ben', Role.REVIEWER)}"}
    address = f"/api/v1/inspections/{following}/dispositions"
    assert station.post(address, json={"decision": "unclear"}, headers=other).status_code == 201
    page.keyboard.press("f")
    assert wait_for_another(page, first) == following
    expect(page.locator(".asked")).to_contain_text("A second opinion")
    expect(page.locator(".decided")).to_have_count(0)
    page.keyboard.press("f")
    wait_for_another(page, following or "")
    settled = dispositions(station, following or "")
    assert [(item["reviewer"], item["occasion"]) for item in settled] == [
        ("Ben", "first"),
        ("Aiko Tanaka", "second_opinion"),
    ]


def test_a_decision_that_was_not_stored_is_not_forgotten(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page("/review")
    first = start_review(page)
    problem = {"detail": "the database does not take or give data", "remedy": "free its disk"}
    # Within the page: of a real 503 the browser itself would complain on the console.
    page.evaluate(
        """problem => { const real = window.fetch;
        window.fetch = (address, options) => options?.method === "POST"
          ? Promise.resolve(new Response(JSON.stringify(problem), { status: 503 })) : real(address, options); }""",
        problem,
    )
    page.keyboard.press("d")
    expect(page.get_by_role("alert")).to_contain_text("free its disk")
    assert shown_id(page) == first
    assert dispositions(station, first) == []
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('offline')); }")
    page.keyboard.press("d")
    expect(page.get_by_role("alert")).to_contain_text("not stored")
    assert shown_id(page) == first


@pytest.mark.parametrize("key", ["Control+d", "Alt+f", "Meta+u"])
def test_a_browsers_own_keys_decide_nothing(open_page: OpenPage, station: httpx.Client, key: str) -> None:
    page = open_page("/review")
    first = start_review(page)
    page.keyboard.press(key)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("d")
    page.keyboard.press("Escape")
    assert shown_id(page) == first
    assert dispositions(station, first) == []


def test_a_viewer_looks_and_does_not_decide(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page("/review", person="Vera Viewer", role=Role.VIEWER)
    first = start_review(page)
    expect(page.get_by_role("button", name="Confirmed defect")).to_be_disabled()
    page.keyboard.press("d")
    expect(page.get_by_role("alert")).to_contain_text("not decide")
    assert shown_id(page) == first
    assert dispositions(station, first) == []


def test_undo_brings_the_part_back_into_the_queue(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page("/review")
    first = start_review(page)
    count = left(page)
    page.keyboard.press("z")
    expect(page.get_by_role("alert")).to_have_text("There is nothing to undo.")
    page.keyboard.press("d")
    second = wait_for_another(page, first)
    expect(page.locator("#waiting")).to_have_text(f"{count - 1} left")
    page.keyboard.press("z")
    assert wait_for_another(page, second) == first
    expect(page.locator("#waiting")).to_have_text(f"{count} left")
    expect(page.locator(".decided")).to_have_count(0)
    assert [item["decision"] for item in dispositions(station, first)] == ["confirmed_defect", "withdrawn"]


def test_a_defect_is_named_once_by_typing_and_then_by_its_number(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page("/review")
    first = start_review(page)
    page.keyboard.press("n")
    page.keyboard.type("scratch, deep")
    page.keyboard.press("Enter")
    second = wait_for_another(page, first)
    page.reload()
    expect(page.locator("[data-defect]").first).to_have_text("1scratch, deep")
    page.keyboard.press("1")
    wait_for_another(page, second)
    for identity in (first, second):
        stored = dispositions(station, identity)[-1]
        assert (stored["decision"], stored["defect"]) == ("confirmed_defect", "scratch, deep")


def test_two_people_never_decide_about_the_same_part(
    open_page: OpenPage, station: httpx.Client, service: RunningService
) -> None:
    aiko = open_page("/review")
    first = start_review(aiko)
    aiko.wait_for_load_state("networkidle")
    ben = open_page("/review", person="Ben", role=Role.REVIEWER)
    assert start_review(ben) != first
    ben.goto(f"{service.address}/review/{first}")
    expect(ben.get_by_role("alert")).to_contain_text("Aiko Tanaka is looking at this part")
    # Of the refusal the browser itself would complain on the console, so the page is not the one that asks.
    headers = {"Cookie": f"kensa_session={make_session(service.database, 'Ben', Role.REVIEWER)}"}
    address = f"/api/v1/inspections/{first}/dispositions"
    answer = station.post(address, json={"decision": "unclear"}, headers=headers)
    assert answer.status_code == 409
    assert "Aiko Tanaka is looking at it" in answer.json()["detail"]
    aiko.keyboard.press("f")
    wait_for_another(aiko, first)
    assert [item["reviewer"] for item in dispositions(station, first)] == ["Aiko Tanaka"]
