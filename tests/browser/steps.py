"""What a person does on every visit."""

from __future__ import annotations

import re

from playwright.sync_api import Page


def start_review(page: Page) -> str:
    """From the queue to its first part; returns that part's inspection id."""
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/review/\d+(\?.*)?$"))
    # Before the scripts say that they listen, no key is heard.
    page.wait_for_selector("#part[data-ready]")
    return page.locator("#part").get_attribute("data-id") or ""
