"""plotly.js is served from its installed package, and only pages with charts may show pictures within a page."""

from __future__ import annotations

from fastapi.testclient import TestClient

from service.web.charts import CHART_POLICY, map_style_id
from service.web.limits import CONTENT_POLICY


def test_plotly_comes_from_its_package_and_is_asked_about_again(station: TestClient) -> None:
    answer = station.get("/charts/plotly.min.js")
    assert answer.status_code == 200
    assert b"plotly.js v" in answer.content[:100]
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["ETag"]


def test_the_policy_of_charts_allows_no_foreign_or_inline_code() -> None:
    assert CHART_POLICY.replace(" data:", "") == CONTENT_POLICY
    assert "unsafe" not in CHART_POLICY
    assert len(map_style_id() or "") == 64
