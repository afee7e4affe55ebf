"""Spot checks: drawn with their probability, shown without the machine's verdict, and counted by it."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from inspection.profile import SpotChecks
from inspection.verdict import Verdict
from service.callers import Role
from service.review.looking import get_waiting_page
from service.review.queue_filter import QueueFilter
from service.review.tables import WaitingKind, WaitingPart
from service.spot_checks.operations import (
    Arrival,
    CheckScope,
    estimate_escapes,
    estimate_overkill,
    measure_agreement,
    queue_arrivals,
    stream_judged,
)
from service.spot_checks.tables import DrawnFrom, SpotCheck
from tests.bundles import part_png
from tests.service.camera import INSPECTIONS, PARTS, fields_of, posted, runtime_of
from tests.service.credentials import make_session

REPORT = "/api/v1/spot-checks/report"


def set_rates(client: TestClient, station: str = "press-3", **rates: float) -> None:
    """Let a station draw with these rates, from now on."""
    body = {"station": station, "profile": {"line": "casting", "spot_checks": rates}}
    assert client.post("/api/v1/profiles", json=body).status_code == 201


def waiting(client: TestClient) -> dict[int, tuple[WaitingKind, bool]]:
    """Kind and blindness of what waits."""
    with runtime_of(client).database.reading() as session:
        return {row.inspection_id: (row.kind, row.is_blind) for row in session.scalars(select(WaitingPart))}


def checks(client: TestClient) -> list[tuple[int, DrawnFrom, float]]:
    with runtime_of(client).database.reading() as session:
        rows = session.scalars(select(SpotCheck).order_by(SpotCheck.id))
        return [(row.inspection_id, row.drawn_from, row.probability) for row in rows]


def decide(client: TestClient, number: int, decision: str, person: str = "Aiko Tanaka", **fields: Any) -> Any:
    cookie = {"Cookie": f"kensa_session={make_session(runtime_of(client).database, person, Role.REVIEWER)}"}
    body = {"decision": decision, **fields}
    answer = client.post(f"{INSPECTIONS}/{number}/dispositions", json=body, headers=cookie)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_without_rates_nothing_is_drawn(station: TestClient) -> None:
    passed, held = posted(station, 1)["id"], posted(station, 2, spot=0.3)["id"]
    assert passed not in waiting(station)
    assert waiting(station) == {held: (WaitingKind.FLAGGED, False)}
    assert checks(station) == []


def test_what_passed_is_drawn_with_its_probability(station: TestClient) -> None:
    set_rates(station, passed_rate=1.0)
    passed, failed = posted(station, 1)["id"], posted(station, 2, spot=0.9)["id"]
    elsewhere = posted(station, 3, station="press-4")["id"]
    assert waiting(station) == {passed: (WaitingKind.SPOT_CHECK, True), failed: (WaitingKind.FLAGGED, False)}
    assert checks(station) == [(passed, DrawnFrom.PASSED, 1.0)]
    assert station.get("/api/v1/summary").json()["undecided"] == 1
    assert elsewhere not in waiting(station)


def test_as_many_are_drawn_as_the_rate_says(station: TestClient) -> None:
    numbers = [posted(station, number)["id"] for number in range(12)]
    rates = SpotChecks(passed_rate=0.25)
    arrivals = [Arrival(number, 1, Verdict.PASS, 0.2, True, rates) for number in numbers]
    chance = random.Random(4)
    drawn = 0
    for _ in range(40):
        with runtime_of(station).database.writing() as session:
            queue_arrivals(session, arrivals, chance)
            drawn += len(session.scalars(select(SpotCheck.id)).all())
            session.rollback()
    assert drawn / (40 * 12) == pytest.approx(0.25, abs=0.06)


def test_a_good_image_of_a_bad_part_is_no_escape_and_never_drawn(station: TestClient) -> None:
    set_rates(station, passed_rate=1.0)
    files = [("image", ("a.png", part_png(1))), ("image", ("b.png", part_png(2, spot=0.9)))]
    answer = station.post(PARTS, data=fields_of("two"), files=files)
    assert [one["verdict"] for one in answer.json()["inspections"]] == ["PASS", "FAIL"]
    assert checks(station) == []


@pytest.fixture
def blind(station: TestClient) -> dict[str, int]:
    """A part that passed, one that was held, one that failed and one decided before, all of them blind."""
    set_rates(station, passed_rate=1.0, blind_flagged_rate=1.0)
    ids = {name: int(posted(station, name, spot=spot)["id"]) for name, spot in (("p", 0.0), ("h", 0.3), ("f", 0.9))}
    ids["again"] = int(posted(station, "again", spot=0.3, station="press-4")["id"])
    decide(station, ids["again"], "confirmed_defect", defect="dent")
    set_rates(station, "press-4", blind_flagged_rate=1.0, repeat_rate=1.0, repeat_after_h=0)
    ids["last"] = int(posted(station, "last", spot=0.3, station="press-4")["id"])
    return ids


def test_kinds_of_blind_parts_look_all_the_same(station: TestClient, blind: dict[str, int]) -> None:
    assert waiting(station)[blind["again"]] == (WaitingKind.REPEAT, True)
    assert waiting(station)[blind["p"]] == (WaitingKind.SPOT_CHECK, True)

    def shape(path: str) -> str:
        page = re.sub(r'data-(next|previous)="\d+"', "", station.get(path).text)
        return re.sub(r"\s+", " ", re.sub(r"\d+", "N", page))

    shapes = {shape(f"/review/{number}/part") for number in blind.values()}
    assert len(shapes) == 1
    page = shapes.pop()
    assert "Decide from the picture alone" in page
    for telling in ("PASS", "HOLD", "FAIL", "heat-map", "score", "certificate", "region-line", "part-", "dent by"):
        assert telling not in page
    cards = re.findall(r'<a class="card".*?</a>', station.get("/review").text, re.DOTALL)
    assert len(cards) == 5
    plain = {re.sub(r"\s+", " ", re.sub(r"\d+", "N", card)) for card in cards}
    assert len(plain) == 1


def test_the_way_around_is_closed_until_one_has_decided(station: TestClient, blind: dict[str, int]) -> None:
    number = blind["p"]
    assert station.get(f"/review/{number}/certificate").status_code == 409
    assert "Earlier in this lot" not in station.get(f"/review/{number}/neighbours").text
    for fields in (
        {"verdict": "FAIL"},
        {"verdict": "HOLD"},
        {"least_score": 0.01},
        {"search": "p"},
        {"defect": "dent"},
    ):
        page = get_waiting_page(runtime_of(station).database, after_id=None, wanted=QueueFilter.model_validate(fields))
        assert page.rows == []
    answer = decide(station, number, "false_alarm", replaces=None)
    assert (answer["is_blind"], answer["occasion"]) == (True, "first")
    assert "Nothing stands out" in station.get(f"/review/{number}").text
    assert station.get(f"/review/{number}/certificate").status_code == 200


def test_undo_makes_a_spot_check_wait_again(station: TestClient, blind: dict[str, int]) -> None:
    number = blind["p"]
    stored = decide(station, number, "false_alarm")
    assert number not in waiting(station)
    decide(station, number, "withdrawn", replaces=stored["id"])
    assert waiting(station)[number] == (WaitingKind.SPOT_CHECK, True)


def test_a_repeat_never_takes_the_decisions_place(station: TestClient, blind: dict[str, int]) -> None:
    number = blind["again"]
    answer = decide(station, number, "confirmed_defect", "Ben", replaces=None)
    assert (answer["occasion"], answer["is_blind"]) == ("repeat", True)
    assert number not in waiting(station)
    assert "(dent)" in station.get(f"/review/{number}").text
    decide(station, number, "withdrawn", "Ben", replaces=answer["id"])
    assert waiting(station)[number] == (WaitingKind.REPEAT, True)
    decide(station, number, "false_alarm", "Ben", replaces=None)
    assert waiting(station)[number] == (WaitingKind.SECOND_OPINION, False)
    settled = decide(station, number, "false_alarm", "Cleo", replaces=None)
    assert len(settled["settles"]) == 2
    agreement = measure_agreement(runtime_of(station).database).between_inspectors
    assert agreement.pair_count == 1
    assert agreement.table["confirmed_defect"]["false_alarm"] == 1


def test_a_part_comes_again_once_and_is_not_ones_own_only(station: TestClient) -> None:
    set_rates(station, repeat_rate=1.0, repeat_after_h=0)
    first = posted(station, 1, spot=0.3)["id"]
    decide(station, first, "false_alarm")
    posted(station, 2, spot=0.3)
    assert waiting(station)[first] == (WaitingKind.REPEAT, True)
    decide(station, first, "false_alarm")
    posted(station, 3, spot=0.3)
    assert first not in waiting(station)
    agreements = measure_agreement(runtime_of(station).database)
    assert (agreements.with_oneself.pair_count, agreements.between_inspectors.pair_count) == (1, 0)
    assert agreements.by_pair.keys() == {("Aiko Tanaka", "Aiko Tanaka")}


def test_what_was_decided_lately_does_not_come_again(station: TestClient) -> None:
    set_rates(station, repeat_rate=1.0, repeat_after_h=1)
    first = posted(station, 1, spot=0.3)["id"]
    decide(station, first, "false_alarm")
    posted(station, 2, spot=0.3)
    assert first not in waiting(station)


def test_escapes_and_overkill_by_how_parts_were_drawn(station: TestClient) -> None:
    set_rates(station, passed_rate=1.0)
    often = [posted(station, f"o{number}")["id"] for number in range(4)]
    flagged = [posted(station, f"x{number}", spot=0.9)["id"] for number in range(3)]
    with runtime_of(station).database.writing() as session:
        # As if two of them had been drawn at a tenth of the rate.
        for check in session.scalars(select(SpotCheck).where(SpotCheck.inspection_id.in_(often[:2]))):
            check.probability = 0.1
    decide(station, often[0], "confirmed_defect")
    for number in often[1:3]:
        decide(station, number, "false_alarm")
    for number, decision in zip(flagged, ("confirmed_defect", "false_alarm", "unclear"), strict=True):
        decide(station, number, decision)
    database = runtime_of(station).database
    escapes = estimate_escapes(database)
    assert (escapes.passed_count, escapes.drawn_count, escapes.waiting_count) == (4, 4, 1)
    assert escapes.defective_share.rate == pytest.approx(10 / 21)
    assert escapes.escape_rate is not None
    # Of two flagged parts that are clear one is defective: of all three, 1.5.
    assert escapes.escape_rate.rate == pytest.approx(4 * 10 / 21 / (4 * 10 / 21 + 1.5))
    overkill = estimate_overkill(database)
    assert (overkill.flagged_count, overkill.unclear_count, overkill.false_alarm_share.rate) == (3, 1, 0.5)
    assert overkill.overkill_rate is not None
    assert overkill.overkill_rate.rate == pytest.approx(1.5 / (1.5 + 4 * 11 / 21))
    assert estimate_escapes(database, CheckScope(station="press-9")).passed_count == 0
    assert estimate_escapes(database, CheckScope(line="casting")).passed_count == 4
    with database.reading() as session:
        judged = {part.inspection_id: part for part in stream_judged(session)}
    assert {number: part.probability for number, part in judged.items()} == {
        often[0]: 0.1, often[1]: 0.1, often[2]: 1.0, **dict.fromkeys(flagged, 1.0)
    }  # fmt: skip
    assert not judged[flagged[2]].is_settled


def test_the_report_as_a_page_and_as_json(station: TestClient, blind: dict[str, int]) -> None:
    decide(station, blind["p"], "false_alarm")
    report = station.get(REPORT, params={"station": "press-3"}).json()
    assert report["escapes"]["defective_share"] | {"high": 0, "upper_bound": 0} == {
        "count": 0, "total": 1, "rate": 0.0, "low": 0.0, "high": 0, "upper_bound": 0,
        "method": "clopper_pearson", "effective_total": 1.0, "confidence": 0.95,
    }  # fmt: skip
    page = station.get("/spot-checks?station=press-3").text
    assert "0 defective in 1 spot checks: at 95% confidence, less than 95% of the parts that pass are" in page
    assert "No spot check has been decided yet" in station.get("/spot-checks?line=none").text
    assert station.get(REPORT, params={"lines": "x"}).status_code == 422
