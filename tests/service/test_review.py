"""Decisions and the queue they empty."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from service.callers import Role
from service.review.looking import get_part_in_review, get_waiting_page
from tests.service.camera import INSPECTIONS, post, posted, runtime_of
from tests.service.credentials import make_session


def decide(client: TestClient, inspection_id: int, decision: str, *, session: str = "", **others: str) -> Any:
    """As the client's own person, or as the one whose session it is."""
    answer: Any = client.post(
        f"{INSPECTIONS}/{inspection_id}/dispositions",
        json={"decision": decision} | others,
        headers={"Cookie": f"kensa_session={session}"} if session else None,
    )
    response: httpx.Response = answer
    return response


def waiting_ids(client: TestClient) -> list[int]:
    return [row.id for row in get_waiting_page(runtime_of(client).database, after_id=None).rows]


@pytest.fixture
def flagged(station: TestClient) -> dict[str, int]:
    """Ids by what they are: two held, one held without a score, two failed, and one that passed."""
    spots = {"hold": 0.3, "hold more": 0.4, "pass": 0.0, "fail": 0.6, "fail more": 0.9}
    ids = {name: int(posted(station, name, spot=spot)["id"]) for name, spot in spots.items()}
    return ids | {"unreadable": int(post(station, "unreadable", b"no image").json()["id"])}


def test_the_queue_is_held_first_then_most_suspicious(station: TestClient, flagged: dict[str, int]) -> None:
    order = ["hold more", "hold", "unreadable", "fail more", "fail"]
    assert waiting_ids(station) == [flagged[name] for name in order]


def test_neighbours_lead_through_the_whole_queue_and_around(station: TestClient, flagged: dict[str, int]) -> None:
    database = runtime_of(station).database
    queue = waiting_ids(station)
    for here, following in zip(queue, [*queue[1:], queue[0]], strict=True):
        assert get_part_in_review(database, here).next_id == following
        assert get_part_in_review(database, following).previous_id == here
    passed = get_part_in_review(database, flagged["pass"])
    assert (passed.next_id, passed.previous_id) == (queue[0], queue[-1])


def test_pages_of_the_queue(station: TestClient, flagged: dict[str, int]) -> None:
    database = runtime_of(station).database
    queue = waiting_ids(station)
    for position, identity in enumerate(queue):
        page = get_waiting_page(database, after_id=identity)
        assert [row.id for row in page.rows] == queue[position + 1 :]
        assert page.waiting_count == len(queue)


def test_a_decision_is_stored_with_who_and_when(station: TestClient, flagged: dict[str, int]) -> None:
    before = datetime.now(UTC)
    answer = decide(station, flagged["hold"], "confirmed_defect", note="scratch, 4 mm")
    body = answer.json()
    assert answer.status_code == 201
    assert (body["decision"], body["reviewer"], body["note"]) == ("confirmed_defect", "Aiko Tanaka", "scratch, 4 mm")
    assert before <= datetime.fromisoformat(body["decided_at"]) <= datetime.now(UTC)
    assert station.get(f"{INSPECTIONS}/{flagged['hold']}/dispositions").json() == {"items": [body]}
    assert flagged["hold"] not in waiting_ids(station)


def test_a_decision_never_edits_the_verdict(station: TestClient, flagged: dict[str, int]) -> None:
    address = f"{INSPECTIONS}/{flagged['fail']}"
    before = station.get(address).content
    assert decide(station, flagged["fail"], "false_alarm").status_code == 201
    assert station.get(address).content == before


def test_decisions_are_added_and_the_latest_counts(station: TestClient, flagged: dict[str, int]) -> None:
    for decision in ("unclear", "false_alarm", "confirmed_defect"):
        decide(station, flagged["hold"], decision)
    decide(station, flagged["fail"], "unclear")
    kept = station.get(f"{INSPECTIONS}/{flagged['hold']}/dispositions").json()["items"]
    assert [item["decision"] for item in kept] == ["unclear", "false_alarm", "confirmed_defect"]
    assert station.get("/api/v1/summary").json() == {
        "stored": 6,
        "verdicts": {"PASS": 1, "HOLD": 3, "FAIL": 2},
        "dispositions": {"confirmed_defect": 1, "false_alarm": 0, "unclear": 1},
        "undecided": 3,
        "second_opinions": 1,
    }


def test_reviewers_at_once_lose_nothing(station: TestClient, flagged: dict[str, int]) -> None:
    database = runtime_of(station).database
    sessions = [make_session(database, f"r{number}", Role.REVIEWER) for number in range(6)]
    with ThreadPoolExecutor(6) as reviewers:
        answers = list(reviewers.map(lambda s: decide(station, flagged["hold"], "unclear", session=s), 4 * sessions))
    assert {answer.status_code for answer in answers} == {201}
    kept = station.get(f"{INSPECTIONS}/{flagged['hold']}/dispositions").json()["items"]
    assert Counter(item["reviewer"] for item in kept) == {f"r{number}": 4 for number in range(6)}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"decision": "maybe"}, "decision"),
        ({"reviewer": "somebody else"}, "reviewer"),
        ({"note": "x" * 2001}, "note"),
    ],
)
def test_a_wrong_decision_is_refused(
    station: TestClient, flagged: dict[str, int], change: dict[str, str], field: str
) -> None:
    body = {"decision": "unclear"} | change
    answer = station.post(f"{INSPECTIONS}/{flagged['hold']}/dispositions", json=body)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == f"body.{field}"


def test_deciding_about_nothing_is_refused(station: TestClient) -> None:
    assert decide(station, 4711, "unclear").status_code == 404
    assert station.get(f"{INSPECTIONS}/4711/dispositions").status_code == 404
