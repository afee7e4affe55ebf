"""A queue of any length is looked through a stretch at a time: filters cost the same, and leave nothing out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.engine import make_url

from inspection.verdict import Verdict
from service.db.engine import Database
from service.db.migrate import upgrade
from service.db.tables import StoredInspection
from service.review.looking import WaitingPage, get_neighbours, get_part_in_review, get_waiting_page
from service.review.operations import QueueEntry, count_waiting, queue_parts
from service.review.queue_filter import QueueFilter
from tests.service.camera import runtime_of
from tests.service.record import Given, record
from tests.service.test_bounded_pages import Watched, scanned, watch

STRETCH = 20
FILTERS = (
    {"search": "no part is called so"},
    {"lot": "no lot"},
    {"station": "no station"},
    {"line": "no line"},
    {"defect": "none"},
    {"part_number": "none"},
    {"since": "2027-01-01T00:00:00Z"},
    {"verdict": "HOLD"},
    {"least_score": "7"},
    {"second_opinion": "true"},
    {"search": "no part is called so", "order": "newest"},
)


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("queue.LOOKED_THROUGH", "queue.MOST_COUNTED", "queries._LOOKED_THROUGH"):
        monkeypatch.setattr(f"service.review.{limit}", STRETCH)


def fill(database: Database, count: int) -> list[int]:
    """Failed parts that wait; every seventh is of another lot. In the order of their ids the least suspicious first."""
    given = [
        Given(0.9 + number / 1000, part=f"part-{number}", lot="rare" if number % 7 == 3 else "common")
        for number in range(count)
    ]
    ids = record(database, given)
    with database.writing() as session:
        queue_parts(session, [QueueEntry(number, Verdict.FAIL, 1.0 + place) for place, number in enumerate(ids)])
    return ids


def pages_through(database: Database, **fields: Any) -> Iterator[WaitingPage]:
    wanted, after = QueueFilter.model_validate(fields), None
    while True:
        page = get_waiting_page(database, after_id=after, wanted=wanted)
        yield page
        if page.last_id is None:
            return
        after = page.last_id


@pytest.mark.parametrize("order", ["worst", "newest"])
def test_what_is_looked_for_is_found_stretch_by_stretch(station: TestClient, order: str) -> None:
    database = runtime_of(station).database
    ids = fill(database, 3 * STRETCH + 5)
    found = list(pages_through(database, lot="rare", order=order))
    assert [row.id for page in found for row in page.rows] == [ids[n] for n in reversed(range(len(ids))) if n % 7 == 3]
    assert [page.waiting_count for page in found] == [len(page.rows) for page in found]
    assert [page.stretch is not None and page.stretch.end_id is not None for page in found] == [True, True, True, False]
    assert all(page.stretch is not None and page.stretch.length == STRETCH for page in found)
    assert all(page.start_id == page.rows[0].id for page in found)


def test_a_queue_within_reach_is_looked_through_at_once(station: TestClient) -> None:
    database = runtime_of(station).database
    fill(database, STRETCH)
    [page] = pages_through(database, lot="rare")
    assert (page.stretch, page.waiting_count) == (None, 3)
    [page] = pages_through(database)
    assert (page.stretch, page.waiting_count) == (None, STRETCH)


def test_the_page_says_how_far_it_has_looked(station: TestClient) -> None:
    ids = fill(runtime_of(station).database, 2 * STRETCH + 1)
    first = station.get("/review", params={"search": "part-1"}).text
    assert f"its first {STRETCH} parts were looked through" in first
    assert "Look further down the queue" in station.get("/review", params={"search": "zzz"}).text
    further = station.get("/review", params={"search": "part-1", "after": ids[STRETCH + 1]}).text
    assert f"its next {STRETCH} parts were looked through" in further
    end = station.get("/review", params={"search": "part-1", "after": ids[1]}).text
    assert "looked through to its end" in end
    assert "further down" not in end.lower()


def test_a_person_goes_from_one_to_the_next_within_reach(station: TestClient) -> None:
    database = runtime_of(station).database
    ids = fill(database, 3 * STRETCH)
    rare = [ids[number] for number in reversed(range(len(ids))) if number % 7 == 3]
    wanted = QueueFilter(lot="rare")
    seen = [rare[0]]
    while len(seen) < len(rare):
        following = get_part_in_review(database, seen[-1], wanted=wanted).next_id
        assert following is not None
        seen.append(following)
    assert seen == rare
    assert get_part_in_review(database, rare[1], wanted=wanted).previous_id == rare[0]
    assert count_waiting(database, wanted) == len([number for number in rare if number in ids[-STRETCH:]])


@contextmanager
def watched_queue(path: Path, count: int) -> Iterator[tuple[Database, Watched]]:
    database = Database(make_url(f"sqlite:///{path}"))
    upgrade(database)
    fill(database, count)
    watched = Watched()
    watch(database, watched)
    with closing(database):
        yield database, watched


def test_no_filter_costs_more_in_a_longer_queue(tmp_path: Path) -> None:
    # At the front, and as far down as there is anything.
    looks: list[Callable[[Database, QueueFilter], object]] = [
        lambda database, wanted: get_waiting_page(database, after_id=None, wanted=wanted),
        lambda database, wanted: get_waiting_page(database, after_id=30, wanted=wanted),
        lambda database, wanted: get_part_in_review(database, 30, wanted=wanted),
    ]
    with watched_queue(tmp_path / "short.db", 50) as short, watched_queue(tmp_path / "long.db", 800) as long:
        for fields in FILTERS:
            wanted = QueueFilter.model_validate(fields)
            for look in looks:
                steps = []
                for database, watched in (short, long):
                    watched.steps, watched.asked = 0, []
                    look(database, wanted)
                    steps.append(watched.steps)
                assert steps[1] <= 1.1 * steps[0], (fields, steps)
                through = [table for one in long[1].asked for table in scanned(long[0], *one)]
                assert set(through) <= {"waiting_parts"}, fields
                assert not [one for one in long[1].asked if "SCAN inspections" in plan(long[0], *one)], fields


def test_good_parts_are_looked_for_among_the_newest_of_the_station_only(tmp_path: Path) -> None:
    found, steps = [], []
    with watched_queue(tmp_path / "short.db", 50) as short, watched_queue(tmp_path / "long.db", 800) as long:
        for database, watched in (short, long):
            good = record(database, [Given(0.1, part=f"good-{number}") for number in range(3)])
            with database.writing() as session:
                session.execute(update(StoredInspection).values(image_sha256="0" * 64))
            near = record(database, [Given(0.9, part=f"near-{number}") for number in range(STRETCH - 3)])
            far = record(database, [Given(0.9, part=f"far-{number}") for number in range(9)])
            for number in (near[-1], far[-1]):
                watched.steps = 0
                passed = get_neighbours(database, number).passed
                found.append([row.id for row in passed] == good[::-1])
                steps.append(watched.steps)
    assert found == [True, False, True, False]
    assert steps[2] <= 1.2 * steps[0] + 100
    assert steps[3] <= 1.2 * steps[1] + 100


def plan(database: Database, statement: str, parameters: Any) -> str:
    with database.reading() as session:
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    return "\n".join(row[3] for row in rows)
