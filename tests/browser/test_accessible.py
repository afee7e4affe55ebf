"""Every page before axe-core: nothing serious between a page and a person who cannot see, or see well."""

from __future__ import annotations

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import OpenPage
from tests.browser.test_looking import flagged

SERIOUS = {"serious", "critical"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_violation(open_page: OpenPage, station: httpx.Client, scheme: str) -> None:
    identity = flagged(station, "HOLD")["id"]
    station.post(
        f"/api/v1/inspections/{identity}/dispositions", json={"decision": "confirmed_defect", "defect": "dent"}
    )
    axe = Axe()
    pages = ["/review", f"/review/{identity}", f"/review/{identity}/certificate", "/sign-in", "/spot-checks"]
    for address in [*pages, "/defect-names", "/review#grid"]:
        page = open_page(address, color_scheme=scheme)
        page.wait_for_load_state("networkidle")
        if address.endswith("#grid"):
            page.keyboard.press("g")
            page.keyboard.press("Space")
        found = [v for v in axe.run(page).response["violations"] if v["impact"] in SERIOUS]
        told = [(v["id"], [node["target"] for node in v["nodes"]][:3]) for v in found]
        assert told == [], address
        page.close()
