"""A person goes on where they left off: among the same parts, at any machine, whatever came meanwhile."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from inspection.verdict import Verdict
from service.callers import Role
from service.review.looking import WaitingPage, get_waiting_page
from service.review.operations import QueueEntry, queue_parts
from service.review.queue_filter import QueueFilter
from service.review.tables import LeftOff, WaitingKind
from tests.service.camera import INSPECTIONS, runtime_of
from tests.service.credentials import REVIEWER, make_session
from tests.service.record import Given, record


@pytest.fixture
def waiting(station: TestClient) -> list[int]:
    """Ten held parts in the order of the queue; every other one is of lot L2."""
    database = runtime_of(station).database
    ids = record(database, [Given(0.79 - n / 100, part=f"p{n}", lot=f"L{1 + n % 2}") for n in range(10)])
    with database.writing() as session:
        queue_parts(session, [QueueEntry(number, Verdict.HOLD, 2.0 - n / 10) for n, number in enumerate(ids)])
    return ids


def look(station: TestClient, number: int, headers: dict[str, str] | None = None, **fields: Any) -> None:
    """As the page of that part does."""
    assert station.post(f"{INSPECTIONS}/{number}/lease", params=fields, headers=headers).json()["is_mine"]


def decide(station: TestClient, number: int) -> None:
    assert station.post(f"{INSPECTIONS}/{number}/dispositions", json={"decision": "false_alarm"}).status_code == 201


def arrive(station: TestClient, reviewer: str = REVIEWER, **fields: Any) -> WaitingPage:
    """At the queue: asking for nothing, or for these."""
    wanted = QueueFilter.model_validate(fields)
    database = runtime_of(station).database
    return get_waiting_page(database, after_id=None, wanted=wanted, reviewer=reviewer, is_arriving=not fields)


def way_back(station: TestClient, **others: Any) -> tuple[int, dict[str, str]] | None:
    found = arrive(station, **others).way_back
    return None if found is None else (found.inspection_id, found.wanted.fields)


def test_to_the_part_that_was_open(station: TestClient, waiting: list[int]) -> None:
    assert way_back(station) is None
    look(station, waiting[4])
    assert way_back(station) == (waiting[4], {})
    assert way_back(station, reviewer="Ben") is None
    look(station, waiting[0])
    assert way_back(station) is None, "the first part is where everybody begins"


def test_to_the_next_one_where_it_was_decided(station: TestClient, waiting: list[int]) -> None:
    look(station, waiting[4])
    decide(station, waiting[4])
    decide(station, waiting[5])
    assert way_back(station) == (waiting[6], {})
    for number in waiting[6:]:
        decide(station, number)
    assert way_back(station) is None, "behind it is the front again"


def test_among_the_same_parts(station: TestClient, waiting: list[int]) -> None:
    look(station, waiting[3], lot="L2")
    assert way_back(station) == (waiting[3], {"lot": "L2"})
    decide(station, waiting[3])
    assert way_back(station) == (waiting[5], {"lot": "L2"})
    # Who asks for these, or for others, means it.
    assert way_back(station, lot="L2") == (waiting[5], {"lot": "L2"})
    assert way_back(station, lot="L1") is None
    look(station, waiting[4], order="newest")
    assert way_back(station) == (waiting[4], {"order": "newest"})
    decide(station, waiting[4])
    assert way_back(station) == (waiting[2], {"order": "newest"})
    for number in waiting[:3]:
        decide(station, number)
    assert way_back(station) == (waiting[9], {"order": "newest"})


def test_nothing_is_left_of_them(station: TestClient, waiting: list[int]) -> None:
    look(station, waiting[9], lot="L2")
    for number in waiting[1::2]:
        decide(station, number)
    page = arrive(station)
    assert (page.way_back, page.start_id) == (None, waiting[0])


def test_past_what_somebody_else_looks_at(station: TestClient, waiting: list[int]) -> None:
    look(station, waiting[4])
    assert station.delete(f"{INSPECTIONS}/{waiting[4]}/lease").status_code == 204
    ben = {"Cookie": f"kensa_session={make_session(runtime_of(station).database, 'Ben', Role.REVIEWER)}"}
    look(station, waiting[4], headers=ben)
    assert way_back(station) == (waiting[5], {})
    assert way_back(station, reviewer="Ben") == (waiting[4], {})


def test_a_blind_parts_place_is_known_after_its_decision(station: TestClient, waiting: list[int]) -> None:
    database = runtime_of(station).database
    [blind] = record(database, [Given(0.1)])
    with database.writing() as session:
        entry = QueueEntry(blind, Verdict.PASS, 0.2, WaitingKind.SPOT_CHECK, is_blind=True)
        queue_parts(session, [entry])
    in_order = [row.id for row in arrive(station).rows]
    place = in_order.index(blind)
    look(station, blind)
    decide(station, blind)
    following = in_order[place + 1] if place + 1 < len(in_order) else waiting[0]
    found = way_back(station)
    assert found == (None if following == waiting[0] else (following, {}))


def test_what_does_not_wait_is_no_place_of_the_queue(station: TestClient, waiting: list[int]) -> None:
    [passed] = record(runtime_of(station).database, [Given(0.1)])
    look(station, waiting[4])
    look(station, passed)
    assert way_back(station) == (waiting[4], {})


def test_a_long_look_is_written_once(station: TestClient, waiting: list[int]) -> None:
    look(station, waiting[4])
    with runtime_of(station).database.reading() as session:
        first = session.scalars(select(LeftOff.left_at)).one()
    look(station, waiting[4])
    with runtime_of(station).database.reading() as session:
        assert session.scalars(select(LeftOff.left_at)).one() == first
        assert session.scalar(select(func.count()).select_from(LeftOff)) == 1


def test_the_page_leads_there(station: TestClient, waiting: list[int]) -> None:
    look(station, waiting[5], lot="L2", second_opinion="false")
    page = station.get("/review").text
    start = re.search(r'id="start" href="([^"]+)"', page)
    front = re.search(r'id="front" href="([^"]+)"', page)
    assert start is not None
    assert start[1] == f"/review/{waiting[5]}?lot=L2"
    assert front is not None
    assert front[1] == f"/review/{waiting[0]}"
    assert '<span class="asked-for">L2</span>' in page
    everything = station.get("/review", params={"order": "worst"}).text
    assert f'id="start" href="/review/{waiting[0]}"' in everything
    assert 'id="front"' not in everything
