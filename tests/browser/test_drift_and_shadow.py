"""The page of the shadow: one key says who was right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.browser.conftest import OpenPage
from tests.browser.line import post_shift
from tests.bundles import make_bundle
from tests.running_service import RunningService, run_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, flange_bundle: Path) -> Iterator[RunningService]:
    """One with a challenger beside its champion, and parts about which they differ."""
    folder = tmp_path_factory.mktemp("shadowed")
    manifest = make_bundle(folder / "challenger", expected=np.full((64, 64, 3), 110, np.uint8))
    (folder / "data" / "bundles").mkdir(parents=True)
    (folder / "challenger").rename(folder / "data" / "bundles" / manifest.bundle_id)
    with run_service("--bundle", flange_bundle, "--data", folder / "data") as service:
        with service.client() as client:
            assert client.post("/api/v1/shadow", json={"bundle_id": manifest.bundle_id}).status_code == 201
        post_shift(service, 6)
        with service.client() as client:
            for _ in range(300):
                if client.get("/api/v1/shadow").json()["items"][0]["flip_count"] >= 3:
                    break
                time.sleep(0.05)
        yield service


def test_one_key_says_who_was_right(open_page: OpenPage) -> None:
    page = open_page("/shadow")
    first = page.locator(".flip .muted a").get_attribute("href")
    with page.expect_navigation():
        page.keyboard.press("1")
    assert page.locator(".flip .muted a").get_attribute("href") != first
    assert page.locator(".tiles > div").nth(2).locator("dd").inner_text() == "1"
