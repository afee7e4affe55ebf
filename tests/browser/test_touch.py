"""A tablet: fingers zoom, move, draw and decide, and what they are to hit is large enough."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_comparing import view_box
from tests.browser.test_looking import flagged
from tests.browser.test_marking import decisions, undecided

TABLET: dict[str, Any] = {"viewport": {"width": 1024, "height": 768}, "has_touch": True, "is_mobile": True}
UPRIGHT = TABLET | {"viewport": {"width": 768, "height": 1024}}
Point = tuple[float, float]
# WCAG 2.2: 24 px at the least (2.5.8, AA), 44 px for what is pressed all day (2.5.5).
SMALL = """least => [...document.querySelectorAll('a[href], button, input, select, summary')]
  .filter(one => one.checkVisibility() && !one.disabled && one.type !== 'hidden')
  .filter(one => !one.closest('p, td, th, .neighbours'))
  .map(one => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width > 1 && (box.height < least || box.width < least))
  .map(([one, box]) => `${one.tagName} ${one.className} ${one.innerText.slice(0, 30)} ${box.width} x ${box.height}`)"""
PRESSED_ALL_DAY = ".decision, .tool, .defect-name, #queue-link"


class Fingers:
    """Touches of a screen as its driver tells of them, and not events that a script made up."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session: CDPSession = page.context.new_cdp_session(page)

    def move(self, *ways: tuple[Point, Point], steps: int = 8) -> None:
        """Each finger from its first point to its second one, all at once."""
        self._send("touchStart", [start for start, _ in ways])
        for step in range(1, steps + 1):
            share = step / steps
            self._send("touchMove", [tuple(a + share * (b - a) for a, b in zip(*way, strict=True)) for way in ways])
        self._send("touchEnd", [])
        # What the page makes of it is seen with its next frame.
        self._page.evaluate("() => new Promise(requestAnimationFrame)")

    def _send(self, kind: str, points: list[Any]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def middle_of(page: Page, selector: str) -> Point:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def beside(point: Point, dx: float, dy: float = 0.0) -> Point:
    return point[0] + dx, point[1] + dy


def open_part(open_page: OpenPage, station: httpx.Client, **screen: Any) -> tuple[Page, Any]:
    inspection = undecided(station, "HOLD")
    page = open_page(f"/review/{inspection['id']}", **(screen or TABLET))
    page.wait_for_selector("#part[data-ready]")
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    return page, inspection


@pytest.mark.parametrize("screen", [TABLET, UPRIGHT], ids=["lying", "upright"])
def test_two_fingers_zoom_and_one_moves(open_page: OpenPage, station: httpx.Client, screen: dict[str, Any]) -> None:
    page, _ = open_part(open_page, station, **screen)
    fingers, middle = Fingers(page), middle_of(page, ".stage-picture")
    whole = view_box(page)
    fingers.move((beside(middle, -40), beside(middle, -120)), (beside(middle, 40), beside(middle, 120)))
    near = view_box(page)
    assert near[2] == pytest.approx(whole[2] / 3, rel=0.1)
    # What lay between the fingers still does.
    assert near[0] + near[2] / 2 == pytest.approx(whole[2] / 2, abs=0.06 * whole[2])
    fingers.move((middle, beside(middle, -90, -50)))
    moved = view_box(page)
    assert moved[0] > near[0]
    assert moved[1] > near[1]
    assert moved[2:] == near[2:]
    fingers.move((beside(middle, -200), beside(middle, -20)), (beside(middle, 200), beside(middle, 20)))
    assert view_box(page) == pytest.approx(whole)
    expect(page.locator("[data-zoom-shown]")).to_have_text("100 %")
    assert page.evaluate("visualViewport.scale") == 1, "the page itself must stay as it is"


def test_fingers_that_come_and_go_do_not_make_it_jump(open_page: OpenPage, station: httpx.Client) -> None:
    page, _ = open_part(open_page, station)
    fingers, middle = Fingers(page), middle_of(page, ".stage-picture")
    fingers.move((beside(middle, -40), beside(middle, -120)), (beside(middle, 40), beside(middle, 120)))
    before = view_box(page)
    fingers.move((beside(middle, 100), beside(middle, 101)))
    assert view_box(page) == pytest.approx(before, abs=1)
    fingers.move((middle, middle), (beside(middle, 50), beside(middle, 50)))
    assert view_box(page) == pytest.approx(before, abs=1)


def test_a_finger_draws_and_decides(open_page: OpenPage, station: httpx.Client) -> None:
    page, inspection = open_part(open_page, station)
    page.get_by_role("button", name="Draw").tap()
    photo = page.locator(".stage .picture-photo").bounding_box()
    assert photo is not None
    scale = photo["width"] / 256
    corner = (photo["x"] + 50 * scale, photo["y"] + 60 * scale)
    Fingers(page).move((corner, beside(corner, 40 * scale, 20 * scale)))
    expect(page.locator("rect.drawn")).to_have_count(1)
    expect(page.locator("[data-zoom-shown]")).to_have_text("100 %")
    # No finger is back that soon: a touch within moments of the last belongs to the same gesture for the browser.
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Confirmed defect").tap()
    page.wait_for_function("id => document.getElementById('part').dataset.id !== id", arg=str(inspection["id"]))
    [stored] = decisions(station, inspection)
    box = stored["marks"]["drawn"][0]
    assert [box[name] for name in ("x_px", "y_px", "width_px", "height_px")] == pytest.approx([50, 60, 40, 20], abs=2)


def test_what_fingers_hit_is_large_enough(open_page: OpenPage, station: httpx.Client) -> None:
    for screen in (TABLET, UPRIGHT):
        page, _ = open_part(open_page, station, **screen)
        assert page.evaluate(SMALL, 24) == []
        pressed = page.locator(PRESSED_ALL_DAY).evaluate_all(
            "all => all.map(one => one.getBoundingClientRect()).map(box => Math.min(box.width, box.height))"
        )
        assert len(pressed) > 6
        assert min(pressed) >= 44
        page.goto(page.url.split("/review")[0] + "/review")
        assert page.evaluate(SMALL, 24) == []
        page.get_by_role("button", name="Grid").tap()
        page.locator(".card").nth(1).tap()
        expect(page.locator("#chosen-count")).to_have_text("1 chosen")
        assert page.evaluate(SMALL, 24) == []
        page.get_by_role("button", name="Grid").tap()


def test_all_that_a_decision_needs_is_on_a_tablet_that_lies(open_page: OpenPage, station: httpx.Client) -> None:
    page = open_page(f"/review/{flagged(station, 'HOLD')['id']}", **TABLET)
    for name in ("Confirmed defect", "False alarm", "Unclear"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    expect(page.locator(".why")).to_be_in_viewport(ratio=1)
    expect(page.locator(".stage .picture-photo")).to_be_in_viewport(ratio=1)
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [1024, 768]
