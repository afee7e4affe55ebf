"""Tallies: every inspection counted once, at once, whatever was counted before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from service.tallies.counts import VerdictCounts
from service.tallies.operations import Counts, Key, catch_up, read, read_total, total_of
from service.tallies.tables import Tally
from tests.service.camera import runtime_of
from tests.service.record import BUNDLE, Given, record

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
YEAR = (START - timedelta(days=300), START + timedelta(days=300))


def shift_of(count: int, every: timedelta = timedelta(minutes=4)) -> list[Given]:
    """Scores in turns: passed, passed, held, failed."""
    scores = (0.1, 0.2, 0.6, 0.9)
    return [
        Given(scores[number % 4], received_at=START + number * every, part=f"part-{number}") for number in range(count)
    ]


def count(station: TestClient, since: datetime = YEAR[0], until: datetime = YEAR[1]) -> Counts:
    with runtime_of(station).database.reading() as session:
        total = total_of(counts for _, counts in read(session, since, until).items)
        summed = read_total(session, since, until).counts
        assert [getattr(total, name) for name in VerdictCounts.names()] == [
            getattr(summed, name) for name in VerdictCounts.names()
        ]
        return total


def test_what_is_read_is_the_same_before_and_after_it_is_counted(station: TestClient) -> None:
    database = runtime_of(station).database
    record(database, shift_of(40))
    before = count(station)
    assert (before.pass_count, before.hold_count, before.fail_count) == (20, 10, 10)
    assert before.local_sum == pytest.approx(10 * (0.1 + 0.2 + 0.6 + 0.9))
    assert before.local_square_sum == pytest.approx(10 * (0.01 + 0.04 + 0.36 + 0.81))
    rounds = 0
    while catch_up(database, now=START + timedelta(days=1), limit=7):
        rounds += 1
        assert count(station).total == 40
    # The service counts by itself too, and may come first.
    assert rounds <= 5
    after = count(station)
    assert [getattr(after, name) for name in Counts.names()] == pytest.approx(
        [getattr(before, name) for name in Counts.names()]
    )


def test_only_what_has_settled_is_counted(station: TestClient) -> None:
    database = runtime_of(station).database
    record(database, shift_of(10, timedelta(minutes=1)))
    assert catch_up(database, now=START + timedelta(minutes=7)) is False
    with database.reading() as session:
        counted = session.scalar(select(func.sum(Tally.pass_count + Tally.hold_count + Tally.fail_count)))
    assert counted == 5
    assert count(station).total == 10


def test_quarters_stations_and_bundles_are_kept_apart(station: TestClient) -> None:
    database = runtime_of(station).database
    record(database, shift_of(8))
    record(database, shift_of(4), station="press-4", bundle_id="bundle-other")
    catch_up(database, now=START + timedelta(days=1))
    with database.reading() as session:
        items = dict(read(session, *YEAR).items)
        keys = {(key.quarter, key.bundle_id) for key in items}
        assert keys == {
            (START, BUNDLE),
            (START + timedelta(minutes=15), BUNDLE),
            (START, "bundle-other"),
        }
        first = next(key for key in items if key.bundle_id == BUNDLE)
        alone = read(session, *YEAR, station_id=first.station_id).items
        assert {key.bundle_id for key, _ in alone} == {BUNDLE}
        assert read_total(session, *YEAR, station_ids=[first.station_id], bundle_id=BUNDLE).counts.total == 8
        assert read_total(session, *YEAR, station_ids=[first.station_id], bundle_id="bundle-other").counts.total == 0
    assert count(station, until=START + timedelta(minutes=15)).total == 8


def test_counting_twice_counts_once(station: TestClient) -> None:
    database = runtime_of(station).database
    record(database, shift_of(9))
    for _ in range(3):
        catch_up(database, now=START + timedelta(days=1))
    record(database, [Given(0.1, received_at=START + timedelta(minutes=3), part="late")])
    catch_up(database, now=START + timedelta(days=1))
    assert count(station).total == 10
    with database.reading() as session:
        [counts] = [one for key, one in read(session, START, START + timedelta(minutes=15)).items]
        assert counts.total == 5
        assert Key(1, START, BUNDLE) in dict(read(session, *YEAR).items)
