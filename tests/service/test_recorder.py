"""The one writer: what waits is committed together, and one bad finding takes nobody with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.engine import make_url

from inspection.errors import StorageError
from inspection.inspector import Inspector
from inspection.profile import StationProfile
from service.db.engine import Database
from service.db.migrate import upgrade
from service.db.tables import Part, StoredInspection
from service.in_force import Plan
from service.intake.findings import Finding, PartFindings
from service.intake.recorder import Recorder
from service.intake.recording import Recorded
from service.intake.schemas import Trigger
from tests.bundles import part_png


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(make_url(database_url))
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def finding(inspector: Inspector) -> Finding:
    inspection = inspector.inspect(part_png(1, spot=0.9))
    return Finding(inspection, Plan(0, StationProfile(), inspector), "a" * 64)


def found(finding: Finding, trigger: object, station: str = "s", images: int = 1) -> PartFindings:
    name = Trigger(station=station, part_id=f"part-{trigger}", trigger_id=str(trigger), lot="L1")
    return PartFindings(name, datetime.now(UTC), (finding,) * images)


def record_all(database: Database, findings: list[PartFindings], sizes: list[int]) -> list[Recorded | BaseException]:
    """All of them wait before the writer begins."""

    async def run() -> list[Recorded | BaseException]:
        recorder = Recorder(database, late_after_s=60, patience_s=60, on_commit=sizes.append)
        waiting = [asyncio.create_task(recorder.record(one)) for one in findings]
        await asyncio.sleep(0)
        recorder.start()
        outcomes: Any = await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.to_thread(recorder.close)
        return list(outcomes)

    return asyncio.run(run())


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(StoredInspection)) or 0


def test_what_waits_is_committed_together(database: Database, finding: Finding) -> None:
    sizes: list[int] = []
    outcomes = record_all(database, [found(finding, number, f"s{number % 3}") for number in range(40)], sizes)
    assert sizes == [40]
    answers = [outcome.answers[0] for outcome in outcomes if isinstance(outcome, Recorded) and outcome.was_first]
    assert [answer.trigger_id for answer in answers] == [str(number) for number in range(40)]
    assert count(database) == 40


def test_of_one_trigger_in_a_group_the_first_counts(database: Database, finding: Finding) -> None:
    outcomes = record_all(database, [found(finding, 1), found(finding, 1, images=3), found(finding, 2)], [])
    assert [outcome.was_first for outcome in outcomes if isinstance(outcome, Recorded)] == [True, False, True]
    assert count(database) == 2


def test_one_bad_finding_takes_nobody_with_it(database: Database, finding: Finding) -> None:
    regions: Any = (object(),)
    bad = replace(finding, inspection=replace(finding.inspection, regions=regions))
    outcomes = record_all(database, [found(finding, 1), found(bad, 2), found(finding, 3)], [])
    assert [isinstance(outcome, Recorded) for outcome in outcomes] == [True, False, True]
    assert isinstance(outcomes[1], AttributeError)
    with database.reading() as session:
        assert set(session.scalars(select(Part.name))) == {"part-1", "part-3"}


def test_known_triggers_are_looked_up_however_many_rows_there_are(database: Database, finding: Finding) -> None:
    """Not compared with every inspection, as SQLite does with pairs in a list once it has counted its rows."""
    if database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL looks pairs up by its index")
    record_all(database, [found(finding, number, f"s{number % 3}") for number in range(60)], [])
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and "FROM inspections" in statement:
            asked.append((statement, parameters))

    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("ANALYZE")
    database.engine.dispose()
    event.listen(database.engine, "before_cursor_execute", note)
    record_all(database, [found(finding, number, f"s{number % 3}") for number in range(50, 70)], [])
    event.remove(database.engine, "before_cursor_execute", note)
    with database.engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", given).all() for one, given in asked]
    steps = [str(step[3]) for plan in plans for step in plan]
    assert len(plans) == 2
    assert [step for step in steps if step.startswith("SCAN inspections")] == []
    assert count(database) == 70


def test_two_writers_agree_on_the_first(database: Database, finding: Finding) -> None:
    async def run() -> list[Recorded]:
        writers = [Recorder(database, late_after_s=60, patience_s=60) for _ in range(2)]
        for writer in writers:
            writer.start()
        tries = [
            writer.record(found(finding, number, images=1 + which))
            for number in range(10)
            for which, writer in enumerate(writers)
        ]
        outcomes = list(await asyncio.gather(*tries))
        for writer in writers:
            await asyncio.to_thread(writer.close)
        return outcomes

    outcomes = asyncio.run(run())
    for one, other in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert one.answers == other.answers
        assert one.was_first != other.was_first
    assert count(database) == sum(len(one.answers) for one in outcomes[::2])


def test_a_database_that_does_not_answer_is_told(database: Database, finding: Finding) -> None:
    async def run() -> Recorded:
        recorder = Recorder(database, late_after_s=60, patience_s=0.05)
        # Never started: as if the transaction hung.
        return await recorder.record(found(finding, 1))

    with pytest.raises(StorageError, match="has not answered"):
        asyncio.run(run())


def test_a_remembered_verdict_is_not_asked_for_again(database: Database, finding: Finding) -> None:
    async def run() -> tuple[Recorded, Recorded | None, Recorded | None]:
        recorder = Recorder(database, late_after_s=60, patience_s=60)
        recorder.start()
        first = await recorder.record(found(finding, 1))
        known, unknown = recorder.recall("s", "1"), recorder.recall("s", "2")
        await asyncio.to_thread(recorder.close)
        return first, known, unknown

    first, known, unknown = asyncio.run(run())
    assert known is not None
    assert (known.answers, known.was_first, unknown) == (first.answers, False, None)
