"""What a person sees: the picture and what is laid over it, on every screen, in light and dark."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.line import post_shift
from tests.browser.steps import start_review
from tests.running_service import RunningService, run_service

SCREENS = [(1280, 800), (1920, 1080), (1024, 768), (3840, 2160)]
READABLE = 4.5
"""The contrast that WCAG 2 asks of text, level AA."""
CONTRASTS = """selectors => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = rgb => rgb.slice(0, 3)
    .map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
  };
  return selectors.map(selector => {
    const element = document.querySelector(selector);
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [luminance(channels(ink)), luminance(ground(element))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  });
}"""


def flagged(station: httpx.Client, verdict: str) -> dict[str, object]:
    """The first inspection with that verdict that has a region."""
    items = station.get("/api/v1/inspections", params={"verdict": verdict, "limit": 200}).json()["items"]
    found: dict[str, object] = next(item for item in items if item["regions"])
    return found


def opacity(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.querySelector('.picture-heat')).opacity"))


def test_heat_map_and_regions_lie_on_the_picture(open_page: OpenPage, station: httpx.Client) -> None:
    inspection = flagged(station, "FAIL")
    page = open_page(f"/review/{inspection['id']}")
    page.wait_for_load_state("networkidle")
    photo, heat = (page.locator(f".stage .picture-{name}").bounding_box() for name in ("photo", "heat"))
    assert photo == heat
    box = page.locator(".region-line").first.bounding_box()
    region = inspection["regions"][0]  # type: ignore[index]
    assert photo is not None
    assert box is not None
    scale = photo["width"] / 256
    assert box["x"] - photo["x"] == pytest.approx(region["x_px"] * scale, abs=3)
    assert box["y"] - photo["y"] == pytest.approx(region["y_px"] * scale, abs=3)
    assert box["width"] == pytest.approx(region["width_px"] * scale, abs=5)


def test_the_overlays_obey_and_stay_as_they_were_set(open_page: OpenPage) -> None:
    page = open_page("/review")
    start_review(page)
    expect(page.locator(".picture-heat")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator(".picture-regions")).to_be_hidden()
    page.keyboard.press("[")
    assert opacity(page) == "0.6"
    page.keyboard.press("h")
    expect(page.locator(".picture-heat")).to_be_hidden()
    expect(page.get_by_role("button", name="Heat map")).to_have_attribute("aria-pressed", "false")
    first = page.locator("#part").get_attribute("data-id")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("id => document.getElementById('part').dataset.id !== id", arg=first)
    expect(page.locator(".picture-heat")).to_be_hidden()
    page.keyboard.press("]")
    expect(page.locator(".picture-heat")).to_be_visible()
    assert opacity(page) == "0.7"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS, ids=lambda size: f"{size[0]}x{size[1]}")
def test_all_that_a_decision_needs_is_on_one_screen(
    open_page: OpenPage, station: httpx.Client, screen: tuple[int, int], scheme: str
) -> None:
    width, height = screen
    page = open_page(
        f"/review/{flagged(station, 'HOLD')['id']}", viewport={"width": width, "height": height}, color_scheme=scheme
    )
    for name in ("Confirmed defect", "False alarm", "Unclear"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    expect(page.locator(".why")).to_be_in_viewport(ratio=1)
    expect(page.locator(".stage .picture-photo")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollHeight") <= height
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(open_page: OpenPage, station: httpx.Client, scheme: str) -> None:
    selectors = {
        f"/review/{flagged(station, 'HOLD')['id']}": [".chip.hold", ".why", ".limit", ".facts dt", "output", "small"],
        f"/review/{flagged(station, 'FAIL')['id']}": [".chip.fail", "output.fail", ".decision", ".tool", ".regions li"],
        "/review": [".card-meta", ".card-why", ".button.primary", ".queue-head .muted", ".bar-note", ".counts dt"],
    }
    for path, wanted in selectors.items():
        page = open_page(path, color_scheme=scheme)
        measured = dict(zip(wanted, page.evaluate(CONTRASTS, wanted), strict=True))
        assert {name: ratio for name, ratio in measured.items() if ratio < READABLE} == {}


def test_a_keyboard_and_a_screen_reader_find_everything(open_page: OpenPage, station: httpx.Client) -> None:
    inspection = flagged(station, "HOLD")
    page = open_page(f"/review/{inspection['id']}")
    expect(page.get_by_role("img", name=f"Image of part {inspection['part_id']}")).to_be_visible()
    expect(page.get_by_role("img", name="Local score")).to_have_count(1)
    expect(page.get_by_role("slider", name="Opacity of the heat map")).to_be_visible()
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(str(page.evaluate("document.activeElement.innerText || document.activeElement.type")).strip())
    names = {" ".join(name.split()) for name in reached}
    assert {"D Confirmed defect", "F False alarm", "U Unclear", "range", "Next →", "?"} <= names


def test_a_part_without_a_picture_still_has_its_page(open_page: OpenPage, station: httpx.Client) -> None:
    items = station.get("/api/v1/inspections", params={"verdict": "HOLD", "limit": 200}).json()["items"]
    unreadable = next(item for item in items if item["reason"] == "image_undecodable")
    page = open_page(f"/review/{unreadable['id']}")
    expect(page.locator(".why")).to_contain_text("could not be read")
    expect(page.get_by_role("link", name="Save them as they came")).to_be_visible()
    expect(page.get_by_role("button", name="Unclear")).to_be_enabled()


def test_the_queue_is_walked_by_arrows(open_page: OpenPage) -> None:
    page = open_page("/review")
    cards = page.locator(".card")
    assert cards.count() > 5
    for key, position in (("ArrowRight", 0), ("ArrowRight", 1), ("ArrowDown", 6), ("ArrowUp", 1), ("ArrowLeft", 0)):
        page.keyboard.press(key)
        expect(cards.nth(position)).to_be_focused()
    page.keyboard.press("ArrowRight")
    wanted = cards.nth(1).get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{wanted}")
    expect(page.locator("#part")).to_be_visible()


def post_broken(service: RunningService, trigger: str) -> str:
    """A part that is held, since its picture cannot be read; its inspection id."""
    with service.client() as camera:
        fields = {"station": "press-3", "part_id": f"KN-{trigger}", "trigger_id": trigger}
        answer = camera.post("/api/v1/inspections", data=fields, files={"image": ("part.png", b"not an image")})
    return str(answer.json()["id"])


def test_what_arrives_comes_into_the_queue_by_itself(open_page: OpenPage, tmp_path: Path, flange_bundle: Path) -> None:
    with run_service("--bundle", flange_bundle, "--data", tmp_path) as service:
        post_shift(service, part_count=6)
        page = open_page("/review?order=newest", service=service, viewport={"width": 1280, "height": 800})
        before = page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.id)")
        page.evaluate("window.stillHere = true")
        arrived = post_broken(service, "new")
        expect(page.locator(f".card[data-id='{arrived}']")).to_be_visible(timeout=30_000)
        after = page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.id)")
        assert after == [arrived, *before]
        expect(page.locator("h1")).to_contain_text(f"{len(after)} parts wait")
        expect(page.locator("#arrivals")).to_have_text("1 more have come.")
        assert page.evaluate("window.stillHere")
        assert (page.locator("#start").get_attribute("href") or "").startswith(f"/review/{after[0]}")
        # While somebody is about to choose one, nothing moves: they are told instead.
        page.locator(".card").nth(1).focus()
        post_broken(service, "newer")
        expect(page.locator("#arrivals")).to_contain_text("more since this page was opened", timeout=30_000)
        assert page.locator(".card").count() == len(after)
        page.close()


def test_an_empty_queue_looks_out_for_parts(open_page: OpenPage, tmp_path: Path, flange_bundle: Path) -> None:
    with run_service("--bundle", flange_bundle, "--data", tmp_path) as service:
        page = open_page("/review", service=service)
        expect(page.locator("h1")).to_have_text("Nothing waits for you")
        expect(page.locator("pre")).to_contain_text(f"{service.address}/api/v1/inspections")
        post_shift(service, part_count=12)
        expect(page.locator(".card").first).to_be_visible(timeout=20_000)
        with service.client() as client:
            count = client.get("/api/v1/summary").json()["undecided"]
        page.reload()
        expect(page.locator("h1")).to_have_text(f"{count} parts wait for a decision")
        start_review(page)
        for _ in range(count):
            shown = page.locator("#part").get_attribute("data-id")
            page.keyboard.press("f")
            page.wait_for_function("id => document.getElementById('part')?.dataset.id !== id", arg=shown)
        expect(page.locator("h1")).to_have_text("Nothing waits for you")
        expect(page.locator(".counts")).to_contain_text("False alarms")
        page.close()
