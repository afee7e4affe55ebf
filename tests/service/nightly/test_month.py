"""A month of nights on one chart, and what each says of why the champion stayed, on the page and in the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from service.nightly import nights
from service.nightly.course import ENDED, conclude
from service.nightly.month import draw
from service.nightly.plan import LinePlan, NightPlan
from service.nightly.schemas import NightAnswer
from service.nightly.tables import NightState, Reason
from service.nightly.wording import REASONS
from service.nightly.workshop import Workshop
from service.settings import read_settings
from tests.service.camera import runtime_of

FIRST = datetime(2026, 11, 1, 22, 30, tzinfo=UTC)


def night(number: int, state: NightState, **figures: Any) -> NightAnswer:
    began = FIRST + timedelta(days=number)
    return NightAnswer(
        name=f"line-{number}", line="line", asked_by="schedule", asked_at=began, began_at=began, ended_at=began,
        minutes=120, state=state, reason=None, detail="", champion_id=None, challenger_id=None, figures=figures,
    )  # fmt: skip


def said(message: str, **_: object) -> str:
    return message


def test_thirty_nights_tell_size_auroc_escapes_overkill_and_what_was_promoted() -> None:
    figures = {
        "learned_count": 300, "champion_auroc": 0.9, "challenger_auroc": 0.95, "escapes_count": 50,
        "escapes_champion": 5, "escapes_challenger": 2, "overkill_count": 200, "overkill_champion": 4,
        "overkill_challenger": 2,
    }  # fmt: skip
    month = [
        night(number, NightState.PROMOTED if number % 10 == 0 else NightState.KEPT, **figures) for number in range(30)
    ]
    drawn = {one["name"]: one for one in draw(list(reversed(month)), said, ZoneInfo("UTC"))["data"]}
    auroc = drawn["AUROC, what judges after the night"]
    assert auroc["x"] == sorted(auroc["x"])
    assert len(auroc["x"]) == 30
    # Of a promoted night the challenger's figures count, of a kept one the champion's.
    assert [auroc["y"][0], auroc["y"][1]] == [0.95, 0.9]
    assert [drawn["escapes"]["y"][0], drawn["escapes"]["y"][1]] == [2 / 50, 5 / 50]
    assert [drawn["overkill"]["y"][0], drawn["overkill"]["y"][1]] == [2 / 200, 4 / 200]
    assert drawn["pictures learned from"]["y"] == [300] * 30
    assert drawn["promoted"]["x"] == [auroc["x"][number] for number in (0, 10, 20)]
    assert len(drawn["kept"]["x"]) == 27


def test_a_night_that_was_not_judged_leaves_a_gap() -> None:
    month = [night(0, NightState.KEPT), night(1, NightState.KEPT, escapes_count=0)]
    drawn = {one["name"]: one for one in draw(month, said, ZoneInfo("UTC"))["data"]}
    assert drawn["escapes"]["y"] == [None, None]
    assert drawn["AUROC, what judges after the night"]["y"] == [None, None]


def test_why_the_champion_was_kept_stands_on_the_pages_and_in_the_log(station: TestClient) -> None:
    runtime = runtime_of(station)
    settings = read_settings(data=runtime.shelf.directory.parent)
    workshop = Workshop(settings, NightPlan(), runtime.database, runtime.image_store)
    names: dict[Reason, str] = {}
    with capture_logs() as logs:
        for reason in Reason:
            asked, _ = nights.ask(runtime.database, LinePlan(), minutes=None, author="schedule")
            nights.begin(runtime.database, asked.name)
            found: dict[str, Any] = {"freeze": {ENDED: [reason.value, f"for {reason.value}"]}, "report": {}}
            assert conclude(workshop, asked.name, found) is NightState.KEPT
            names[reason] = asked.name
    told = {one["reason"]: one["detail"] for one in logs if one["event"] == "night_over"}
    assert told == {reason.value: f"for {reason.value}" for reason in Reason}
    listed = unescape(station.get("/nights").text)
    for reason, name in names.items():
        page = unescape(station.get(f"/nights/{name}").text)
        assert REASONS[reason] in listed
        assert REASONS[reason] in page
        assert f"for {reason.value}" in page
