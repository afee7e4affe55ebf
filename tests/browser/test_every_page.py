"""Every page there is, as every role: quiet, within its screen, and open to who cannot see or point well.

The pages come from the service's own routes, so that a new one is looked at from its first day.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from service.callers import PERMISSIONS_OF, Permission, Role
from tests.browser.conftest import OpenPage
from tests.browser.test_accessible import violations
from tests.browser.test_screenshots import IMAGES, LEAST_BYTES
from tests.bundles import make_bundle
from tests.running_service import RunningService, run_service
from tests.service.everything import Everything
from tests.service.test_access import needed_by
from tests.service.test_problems import ROUTES

# Pieces that a page fetches, and puts into itself.
PIECES = ("/part", "/neighbours", "/board")
FOR_ADMINISTRATORS = "/people"
# Who looks, on which screen: a desk, a tablet held upright, the smallest screen, a large one.
VISITS = [
    (Role.ADMIN, "light", "en", 1440),
    (Role.VIEWER, "dark", "ja", 768),
    (Role.REVIEWER, "light", "ja", 1024),
    (Role.ENGINEER, "dark", "en", 1920),
]
CHARTS_WITHOUT_TABLES = """() => [...document.querySelectorAll('[data-figure], .drift-course, .histogram')]
  .map(chart => chart.closest('section'))
  .filter(own => ![own, own.nextElementSibling].some(near => near?.querySelector('table')?.rows.length > 1))
  .map(own => own.innerText.slice(0, 60))"""
# Words that run out of their box.
CUT = """() => [...document.querySelectorAll('button, .button, .tag, .chip, th, dt, h1, h2, label > span')]
  .filter(one => one.offsetParent && one.scrollWidth > one.clientWidth + 1)
  .filter(one => getComputedStyle(one).overflowX === 'visible' && getComputedStyle(one).display !== 'inline')
  .map(one => `${one.tagName} ${one.innerText}`)"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("everything")


@pytest.fixture(scope="module")
def service(data: Path) -> Iterator[RunningService]:
    """One in which everything has happened."""
    make_bundle(data / "tiny")
    with run_service("--bundle", data / "tiny", "--data", data / "station") as service:
        yield service


@pytest.fixture(scope="module")
def addresses(service: RunningService, data: Path) -> list[str]:
    scratch = data / "scratch"
    scratch.mkdir()
    with httpx.Client(base_url=service.address, timeout=60, auth=service.let_in) as client:
        everything = Everything(client, service.database, data / "station", scratch)
    return everything.addresses()


def needed_for(action: str) -> Permission | None:
    """What the route asks for, to which a form is sent."""
    [route] = [one for one in ROUTES if "POST" in (one.methods or ()) and one.path_regex.fullmatch(action)]
    return needed_by(route)


def trouble_with(page: Page, role: Role) -> list[str]:
    """What is wrong with the page that is shown."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    told = [f"is cut off: {words}" for words in page.evaluate(CUT)]
    told += [f"has no table: {words}" for words in page.evaluate(CHARTS_WITHOUT_TABLES)]
    if page.evaluate("document.documentElement.scrollWidth") > width:
        told.append("is wider than its screen")
    may = PERMISSIONS_OF[role]
    offered = page.locator("form[data-post]").evaluate_all("forms => forms.map(form => form.dataset.post)")
    told += [f"offers {action}" for action in offered if needed_for(action) not in {None, *may}]
    if Permission.DECIDE not in may and page.locator("[data-decision]:enabled, [data-many], [data-draw]").count():
        told.append("offers decisions")
    return told


@pytest.mark.parametrize(("role", "scheme", "language", "width"), VISITS, ids=lambda one: str(one))
def test_every_page_as_every_role(
    open_page: OpenPage,
    service: RunningService,
    addresses: list[str],
    role: Role,
    scheme: str,
    language: str,
    width: int,
) -> None:
    screen = {"width": width, "height": max(width * 9 // 16, 768)}
    page = open_page(
        "/review", person=f"{role.value}", role=role, color_scheme=scheme, locale=language, viewport=screen
    )
    told: dict[str, list[str]] = {}
    for address in addresses:
        if address.endswith(PIECES):
            continue
        if address.startswith(FOR_ADMINISTRATORS) and role is not Role.ADMIN:
            # Not by the page: of a refusal the browser itself complains on its console.
            assert page.request.get(service.address + address).status == 403, address
            continue
        answer = page.goto(service.address + address)
        assert answer is not None
        assert answer.status == 200, address
        told[address] = trouble_with(page, role)
        if width in (1440, 768):
            told[address] += violations(page)
    assert {address: said for address, said in told.items() if said} == {}
    assert len(told) > 25


def test_the_nights_for_the_documents(
    open_page: OpenPage, service: RunningService, addresses: list[str], tmp_path: Path
) -> None:
    assert "/nights" in addresses
    page = open_page("/nights", viewport={"width": 1280, "height": 900})
    expect(page.locator(".main-svg").first).to_be_visible()
    folder = IMAGES if os.environ.get("KENSA_WRITE_SCREENSHOTS") == "1" else tmp_path
    assert len(page.screenshot(path=folder / "nights.png", full_page=True)) > LEAST_BYTES
