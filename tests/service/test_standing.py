"""The decisions that stand, kept beside the record: always what the dispositions amount to."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from fastapi.testclient import TestClient
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from service.db.engine import Database
from service.db.migrate import configuration, upgrade
from service.review.operations import catch_up, find_standing_decisions
from service.review.opinions import standing_of
from service.review.queries import find_dispositions
from service.review.tables import Decision, Disposition, Occasion, StandingDecision
from tests.service.camera import runtime_of
from tests.service.record import Given, record
from tests.service.test_opinions import People

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
HISTORIES = 60


def rows_of(session: Session) -> list[tuple[Any, ...]]:
    columns = list(StandingDecision.__table__.columns)
    return [tuple(row) for row in session.execute(select(*columns).order_by(StandingDecision.inspection_id))]


def add(session: Session, inspection_id: int, place: int, decision: Decision, **others: Any) -> int:
    values = {"inspection_id": inspection_id, "decision": decision, "reviewer": "Aiko Tanaka", "settles": []}
    values |= {"decided_at": START + timedelta(minutes=place)} | others
    return session.scalars(insert(Disposition).returning(Disposition.id), [values]).one()


def decide_by_chance(session: Session, chance: random.Random, inspection_id: int) -> None:
    """Some decisions, some of them withdrawn, some of them repeats."""
    live: list[tuple[int, Occasion]] = []
    for place in range(chance.randrange(1, 7)):
        if live and chance.random() < 0.3:
            withdrawn, occasion = live.pop(chance.randrange(len(live)))
            others: dict[str, Any] = {"withdraws": withdrawn, "occasion": occasion}
            add(session, inspection_id, place, Decision.WITHDRAWN, **others)
            continue
        decision = chance.choice([Decision.CONFIRMED_DEFECT, Decision.FALSE_ALARM, Decision.UNCLEAR])
        defect = "scratch" if decision is Decision.CONFIRMED_DEFECT else None
        occasion = chance.choice(list(Occasion))
        given = {"occasion": occasion, "defect": defect, "is_blind": chance.random() < 0.5}
        live.append((add(session, inspection_id, place, decision, **given), occasion))


@pytest.fixture
def decided(station: TestClient) -> Database:
    """Parts about which people decided in all kinds of orders, by a service that keeps nothing beside the record."""
    database = runtime_of(station).database
    ids = record(database, [Given(0.2 * (number % 5), lot="lot-1") for number in range(HISTORIES)])
    chance = random.Random(7)
    with database.writing() as session:
        for inspection_id in ids:
            decide_by_chance(session, chance, inspection_id)
    return database


def test_what_was_decided_past_it_is_worked_out_as_the_migration_does(decided: Database) -> None:
    catch_up(decided)
    with decided.reading() as session:
        ours = rows_of(session)
    with decided.migrating() as connection:
        command.downgrade(configuration(connection), "0009")
    upgrade(decided)
    with decided.reading() as session:
        assert rows_of(session) == ours
    assert len(ours) == HISTORIES
    assert catch_up(decided) == 0


def test_it_is_what_the_dispositions_amount_to(decided: Database) -> None:
    catch_up(decided)
    with decided.reading() as session:
        kept = {row.inspection_id: row for row in session.scalars(select(StandingDecision))}
        for inspection_id, row in kept.items():
            stands = standing_of(find_dispositions(session, inspection_id))
            assert row.disposition_id == (stands.id if stands else None)
            assert (row.decision, row.reviewer) == ((stands.decision, stands.reviewer) if stands else (None, None))
        standing = {number: row.decision for number, row in kept.items() if row.decision is not None}
        assert find_standing_decisions(session, list(kept)) == standing
    assert 0 < len(standing) < len(kept)


def test_every_decision_is_noted_with_it(station: TestClient) -> None:
    people = People(station)
    database = runtime_of(station).database

    def stands() -> Decision | None:
        with database.reading() as session:
            return session.get_one(StandingDecision, people.id).decision

    steps = [("Aiko", "unclear"), ("Kenji", "false_alarm"), ("Kenji", "withdrawn"), ("Aiko", "confirmed_defect")]
    seen = []
    for name, decision in steps:
        assert people.decide(name, decision).status_code == 201
        seen.append(stands())
    assert seen == [Decision.UNCLEAR, Decision.FALSE_ALARM, Decision.UNCLEAR, Decision.CONFIRMED_DEFECT]
    assert people.decide("Aiko", "withdrawn").status_code == 201
    assert people.decide("Aiko", "withdrawn").status_code == 201
    assert stands() is None
    assert catch_up(database) == 0


def test_the_newest_are_looked_at_again_and_again(station: TestClient) -> None:
    database = runtime_of(station).database
    [first, second] = record(database, [Given(0.9), Given(0.9)])
    with database.writing() as session:
        add(session, first, 1, Decision.FALSE_ALARM)
    # The running service may have come first.
    assert catch_up(database, newest_only=True) <= 1
    with database.writing() as session:
        add(session, first, 2, Decision.CONFIRMED_DEFECT)
        add(session, second, 3, Decision.UNCLEAR)
    catch_up(database, newest_only=True)
    with database.reading() as session:
        expected = {first: Decision.CONFIRMED_DEFECT, second: Decision.UNCLEAR}
        assert find_standing_decisions(session, [first, second]) == expected
    with database.writing() as session:
        session.execute(delete(StandingDecision))
    catch_up(database)
    with database.reading() as session:
        assert find_standing_decisions(session, [first, second]) == expected
