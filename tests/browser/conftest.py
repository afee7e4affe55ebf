"""A real service with a shift on record, and a Chromium in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from service.callers import Role
from tests.browser.flanges import make_flange_bundle
from tests.browser.line import post_shift
from tests.running_service import RunningService, run_service
from tests.service.credentials import REVIEWER, make_session

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
OpenPage = Callable[..., Page]


# By module, not by session: while it is open, Playwright keeps an event loop running that other tests would meet.
@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def flange_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bundles") / "flanges"
    make_flange_bundle(directory)
    return directory


# By module too: what one module decides must not shorten the queue of the next, nor name its defects.
@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, flange_bundle: Path) -> Iterator[RunningService]:
    """One that has some dozens of parts on record."""
    with run_service("--bundle", flange_bundle, "--data", tmp_path_factory.mktemp("station")) as service:
        post_shift(service)
        yield service


@pytest.fixture
def station(service: RunningService) -> Iterator[httpx.Client]:
    """The service's API, to see what was really stored."""
    with service.client() as client:
        yield client


@pytest.fixture
def open_page(browser: Browser, service: RunningService) -> Iterator[OpenPage]:
    """Open an address in a new browser, signed in unless `person` is empty. What a page complains of on its console
    fails the test."""
    default = service
    complaints: list[str] = []
    with ExitStack() as stack:

        def open_page(
            path: str,
            *,
            person: str = REVIEWER,
            role: Role = Role.ADMIN,
            service: RunningService = default,
            **options: Any,
        ) -> Page:
            context: BrowserContext = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
            stack.callback(context.close)
            if person:
                token = make_session(service.database, person, role)
                context.add_cookies([{"name": "kensa_session", "value": token, "url": service.address}])
            page = context.new_page()
            page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(service.address + path)
            return page

        yield open_page
    assert complaints == []
