"""A person looks closer, compares, narrows the queue down, and reads it in their own language."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import start_review
from tests.browser.test_looking import flagged

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def view_box(page: Page) -> list[float]:
    """x, y, width and height of what is seen of the image, in its pixels."""
    text = page.locator(".stage-picture svg.picture").first.get_attribute("viewBox") or ""
    return [float(number) for number in text.split()]


def test_zoom_and_pan_by_keys_wheel_and_mouse(open_page: OpenPage, station: httpx.Client) -> None:
    inspection = flagged(station, "HOLD")
    page = open_page(f"/review/{inspection['id']}")
    page.wait_for_selector("time[title]")
    assert view_box(page) == [0, 0, 256, 256]
    page.keyboard.press("+")
    x, y, width, height = view_box(page)
    assert (round(width), round(height)) == (171, 171)
    assert (round(x), round(y)) == (43, 43)
    expect(page.locator("[data-zoom-shown]")).to_have_text("150 %")
    page.locator(".stage-picture").focus()
    page.keyboard.press("Shift+ArrowLeft")
    assert view_box(page)[0] < x
    box = page.locator(".stage-picture").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = view_box(page)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 60, middle[1] - 40)
    page.mouse.up()
    assert view_box(page)[0] > before[0]
    assert view_box(page)[1] > before[1]
    page.mouse.wheel(0, -400)
    page.wait_for_function(
        "width => document.querySelector('svg.picture').viewBox.baseVal.width < width", arg=before[2]
    )
    page.keyboard.press("0")
    assert view_box(page) == [0, 0, 256, 256]
    page.keyboard.press("-")
    assert view_box(page) == [0, 0, 256, 256]


def test_a_key_leads_to_the_region(open_page: OpenPage, station: httpx.Client) -> None:
    inspection = flagged(station, "HOLD")
    page = open_page(f"/review/{inspection['id']}")
    page.wait_for_selector("time[title]")
    page.keyboard.press("g")
    x, y, width, height = view_box(page)
    region = inspection["regions"][0]  # type: ignore[index]
    assert width < 256
    assert x <= region["x_px"] <= region["x_px"] + region["width_px"] <= x + width
    assert y <= region["y_px"] <= region["y_px"] + region["height_px"] <= y + height


def test_good_parts_stand_beside_a_flagged_one(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page(f"/review/{flagged(station, 'FAIL')['id']}")
    good = page.locator(".strip").first.locator("a")
    expect(good).to_have_count(3)
    page.get_by_text("What good looks like").wait_for()
    for address in good.evaluate_all("links => links.map(link => link.getAttribute('href'))"):
        answer = station.get(f"/api/v1/inspections/{address.rsplit('/', 1)[1]}").json()
        assert answer["verdict"] == "PASS"


def test_the_queue_is_narrowed_down_and_walked_so(open_page: OpenPage) -> None:
    page = open_page("/review")
    page.keyboard.press("/")
    page.keyboard.type("KN-40-0004")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/review\?search=KN-40-0004"))
    titles = page.locator(".card-title").all_text_contents()
    assert titles
    assert all("KN-40-0004" in title for title in titles)
    page.locator("h1").click()
    start_review_of = page.locator("#start").get_attribute("href") or ""
    page.goto(page.url.split("/review")[0] + start_review_of)
    page.wait_for_selector("time[title]")
    expect(page.locator("#waiting")).to_have_text(f"{len(titles)} left")
    page.keyboard.press("q")
    page.wait_for_url(re.compile(r"/review\?search=KN-40-0004"))
    page.get_by_role("link", name="Show all").click()
    page.wait_for_url(re.compile(r"/review\?order=worst$"))


def test_the_browsers_language_then_the_persons_choice(open_page: OpenPage) -> None:
    page = open_page("/review?order=worst", locale="ja-JP")
    assert page.evaluate("document.documentElement.lang") == "ja"
    expect(page.locator("h1")).to_have_text(re.compile(r"^\d+ 件が判断待ちです$"))
    first = start_review(page)
    expect(page.locator("#waiting")).to_have_text(re.compile(r"^残り \d+ 件$"))
    expect(page.locator(".facts time")).to_have_text(re.compile(r"2026/11/23"))
    page.keyboard.press("z")
    expect(page.get_by_role("alert")).to_have_text("元に戻す判断はありません。")
    assert JAPANESE.search(page.title())
    page.get_by_role("link", name="English").click()
    page.wait_for_url(re.compile(rf"/review/{first}$"))
    expect(page.get_by_role("button", name="Confirmed defect")).to_be_visible()
    page.goto(page.url.rsplit("/", 1)[0])
    expect(page.locator("h1")).to_contain_text("for a decision")


def test_a_certificate_is_made_for_paper(open_page: OpenPage, station: httpx.Client) -> None:
    inspection = flagged(station, "HOLD")
    page = open_page(f"/review/{inspection['id']}")
    page.get_by_role("link", name="Part certificate").click()
    expect(page.locator("h1")).to_contain_text(str(inspection["part_id"]))
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.get_by_role("img", name="Image of part")).to_be_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
