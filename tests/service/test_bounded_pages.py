"""No page reads the whole history: the work of each stays the same however much has come before what it shows."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.engine import make_url

from deploy.bench.pages import page_paths
from service.db.engine import Database
from service.db.migrate import upgrade
from service.db.tables import StoredInspection
from service.review.operations import Decision, Disposition, Occasion, QueueEntry, queue_parts
from service.review.operations import catch_up as note_standing_decisions
from service.review.tables import WaitingPart
from service.spot_checks.tables import DrawnFrom, SpotCheck
from service.tallies.operations import catch_up
from tests.service.camera import runtime_of
from tests.service.record import Given, record

RECENT_COUNT, SHORT, LONG = 40, 60, 900
# Instructions of SQLite's machine: what is counted of a page, whatever the machine it runs on.
STEPS_AT_ONCE = 50
# Tables that grow with every part, or with every decision about one.
GROWING = (
    "inspections",
    "parts",
    "audit_records",
    "dispositions",
    "standing_decisions",
    "spot_checks",
    "tallies",
    "waiting_parts",
)
SCAN = re.compile(r"SCAN (?P<table>\w+?)(?:_\d+)?(?: USING (?:COVERING )?INDEX (?P<index>\w+))?$")
# They are about what this record has not: whoever looks is a person of another one.
ELSEWHERE = {"/nights/{name}", "/bundles/{bundle_id}", "/people/{person_id}", "/password"}


@dataclass
class Watched:
    """What a database was asked, and how much it did for that."""

    steps: int = 0
    asked: list[tuple[str, Any]] = field(default_factory=list)


@contextmanager
def history(path: Path, old_count: int, bundle_id: str) -> Iterator[tuple[Database, Watched]]:
    """Some parts of now, and as many as asked for of long ago, most of them decided."""
    database = Database(make_url(f"sqlite:///{path}"))
    upgrade(database)
    now = datetime.now(UTC)
    long_ago = [now - timedelta(days=500, minutes=number) for number in range(old_count, 0, -1)]
    lately = [now - timedelta(hours=3, minutes=number) for number in range(RECENT_COUNT, 0, -1)]
    ids = []
    for lot, moments in (("old", long_ago), ("new", lately)):
        given = [
            Given((0.2, 0.9, 0.6, 0.3)[number % 4], part=f"{lot}-{number}", lot=f"{lot}-{number // 20}", received_at=at)
            for number, at in enumerate(moments)
        ]
        ids += record(database, given, bundle_id=bundle_id)
    decide(database, ids, long_ago + lately)
    note_standing_decisions(database)
    while catch_up(database):
        pass
    watched = Watched()
    watch(database, watched)
    with closing(database):
        yield database, watched


def decide(database: Database, ids: list[int], moments: list[datetime]) -> None:
    """Flagged parts are decided, some of them twice, and the newest wait; every fourth part that passed was drawn."""
    with database.writing() as session:
        session.execute(update(StoredInspection).values(image_sha256="0" * 64))
        for place, (number, at) in enumerate(zip(ids, moments, strict=True)):
            row = session.get_one(StoredInspection, number)
            is_flagged, is_newest = place % 4 in (1, 2), place >= len(ids) - 12
            values = {"inspection_id": number, "reviewer": "Aiko Tanaka", "decided_at": at + timedelta(minutes=5)}
            if is_flagged and is_newest:
                queue_parts(session, [QueueEntry(number, row.verdict, row.part_score)])
            elif is_flagged:
                found = {"decision": Decision.CONFIRMED_DEFECT, "defect": f"defect-{place % 3}"}
                session.execute(insert(Disposition), [values | found])
            drawn_from = DrawnFrom.DECIDED if is_flagged else DrawnFrom.PASSED
            if place % 4 == 0 or (place % 8 == 1 and not is_newest):
                draw = {"inspection_id": number, "drawn_from": drawn_from, "probability": 0.25, "drawn_at": at}
                session.execute(insert(SpotCheck), [draw])
                occasion = Occasion.REPEAT if is_flagged else Occasion.FIRST
                said = {"decision": Decision.FALSE_ALARM, "occasion": occasion, "is_blind": True}
                session.execute(insert(Disposition), [values | said])


def watch(database: Database, watched: Watched) -> None:
    def step() -> int:
        watched.steps += STEPS_AT_ONCE
        return 0

    def connect(connection: sqlite3.Connection, _: object) -> None:
        connection.set_progress_handler(step, STEPS_AT_ONCE)

    def asked(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        if statement.startswith(("SELECT", "WITH")):
            watched.asked.append((statement, parameters))

    database.engine.dispose()
    event.listen(database.engine, "connect", connect)
    event.listen(database.engine, "before_cursor_execute", asked)


def look_at_every_page(client: TestClient, found: tuple[Database, Watched]) -> dict[str, Watched]:
    """What each page asked that database, by its path."""
    database, watched = found
    with database.reading() as session:
        waiting = session.scalar(select(func.max(WaitingPart.inspection_id)))
    client.app.state.runtime = replace(runtime_of(client), database=database)  # type: ignore[attr-defined]
    seen = {}
    for path in sorted(set(page_paths()) - ELSEWHERE):
        address = path.replace("{inspection_id}", str(waiting))
        for _ in range(2):
            # Once for what is prepared only once.
            watched.steps, watched.asked = 0, []
            answer = client.get(address, headers={"Accept": "text/html"})
            assert answer.status_code == 200, (address, answer.text[:300])
        seen[path] = replace(watched)
    return seen


def scanned(database: Database, statement: str, parameters: Any) -> list[str]:
    """Tables that grow, and that the statement goes through from end to end."""
    with closing(sqlite3.connect(str(database.engine.url.database))) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    scans = [match for row in plan if (match := SCAN.fullmatch(row[3]))]
    return [match["table"] for match in scans if match["table"] in GROWING and not ends_early(match, statement)]


def ends_early(scan: re.Match[str], statement: str) -> bool:
    """Whether the scan follows an order and stops after some rows."""
    is_ordered = scan["index"] is not None or "ORDER BY" in statement
    return is_ordered and "LIMIT" in statement


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what is counted here is what it does."""
    return f"sqlite:///{tmp_path / 'kensa.db'}"


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pages read at most of the newest, so small that both histories have more."""
    for limit in ("service.review.queries._COUNTED_LATELY", "service.thresholds.queries.STREAM_LENGTH"):
        monkeypatch.setattr(limit, 50)


@pytest.mark.usefixtures("short_limits")
def test_no_page_goes_through_all_parts_or_works_more_for_a_longer_history(station: TestClient, tmp_path: Path) -> None:
    bundle_id = runtime_of(station).inspector.bundle_id
    with (
        history(tmp_path / "short.db", SHORT, bundle_id) as short,
        history(tmp_path / "long.db", LONG, bundle_id) as long,
    ):
        before, after = look_at_every_page(station, short), look_at_every_page(station, long)
        found = Counter(
            (path, table) for path, seen in after.items() for one in seen.asked for table in scanned(long[0], *one)
        )
    assert found == {}
    assert len(after) >= 20
    assert all(seen.asked for path, seen in after.items() if path not in ("/export", "/sign-in"))
    grown = {path: (before[path].steps, seen.steps) for path, seen in after.items()}
    assert {path: steps for path, steps in grown.items() if steps[1] > 1.3 * steps[0] + 2000} == {}


def test_a_scan_would_be_noticed(tmp_path: Path) -> None:
    with history(tmp_path / "short.db", SHORT, "bundle-1") as (database, watched):
        every = "SELECT count(*) FROM inspections WHERE part_score > ?"
        assert scanned(database, every, (0.5,)) == ["inspections"]
        assert scanned(database, "SELECT id FROM inspections ORDER BY id DESC LIMIT ?", (5,)) == []
        assert scanned(database, "SELECT id FROM stations", ()) == []
        watched.steps = 0
        with database.reading() as session:
            session.connection().exec_driver_sql(every, (0.5,)).all()
        assert watched.steps > 0
