"""Pages while somebody works at them, before axe-core; each page as it opens is in `test_every_page`."""

from __future__ import annotations

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage
from tests.browser.test_looking import flagged

SERIOUS = {"serious", "critical"}


def violations(page: Page) -> list[str]:
    """What stands between the page as it is now and a person who cannot see, or see well."""
    found = [one for one in Axe().run(page).response["violations"] if one["impact"] in SERIOUS]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_grid_with_a_chosen_part_and_a_part_being_marked(
    open_page: OpenPage, station: httpx.Client, scheme: str
) -> None:
    page = open_page("/review", color_scheme=scheme)
    page.wait_for_load_state("networkidle")
    page.keyboard.press("g")
    page.keyboard.press("Space")
    assert violations(page) == []
    page.keyboard.press("g")
    page.goto(page.url.split("/review")[0] + f"/review/{flagged(station, 'HOLD')['id']}")
    page.wait_for_selector("#part[data-ready]")
    page.keyboard.press("m")
    page.keyboard.press("?")
    assert violations(page) == []
