"""The trail finds every edit and every gap: in itself, in the verdicts and in the decisions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, text, update

from service.audit.chain import GENESIS, record_digest
from service.audit.operations import Action, Entry, append, find_records_of, removal_entry
from service.audit.tables import AuditRecord
from service.audit.verification import Verification, verify
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.review.operations import find_faults_of_standing
from service.review.tables import Disposition, StandingDecision, WaitingPart
from tests.service.camera import INSPECTIONS, post, posted, runtime_of
from tests.service.test_access_commands import Command


@pytest.fixture
def database(station: TestClient) -> Database:
    """Of a station with three verdicts and a decision on record."""
    for trigger in (1, 2, 3):
        posted(station, trigger, spot=0.3 * trigger, **({"lot": "L1"} if trigger > 1 else {}))
    answer = station.post(f"{INSPECTIONS}/2/dispositions", json={"decision": "unclear", "note": "傷？"})
    assert answer.status_code == 201
    return runtime_of(station).database


def findings(database: Database, anchor: str | None = None) -> list[str]:
    result: Verification = verify(database, anchor)
    assert result.finding_count == len(result.findings)
    return result.findings


def records(database: Database) -> list[AuditRecord]:
    with database.reading() as session:
        return list(session.scalars(select(AuditRecord).order_by(AuditRecord.sequence)))


def change(database: Database, statement: Any) -> None:
    with database.writing() as session:
        session.execute(statement)


def test_an_untouched_trail_is_whole(database: Database) -> None:
    result = verify(database)
    assert result.findings == []
    assert (result.inspection_count, result.disposition_count) == (3, 1)
    assert result.head == f"{result.record_count}:{records(database)[-1].sha256}"


def test_everything_that_matters_is_on_it(database: Database) -> None:
    actions = [record.action for record in records(database)]
    assert actions[0] == Action.TRAIL_BEGAN
    assert {Action.VERDICTS, Action.DISPOSITION, Action.SIGN_IN, Action.PERSON, Action.STATION_KEY} <= set(actions)
    assert [record.actor for record in records(database) if record.action == Action.DISPOSITION] == ["Aiko Tanaka"]


def test_a_record_hangs_on_the_one_before_it(database: Database) -> None:
    trail = records(database)
    assert [record.sequence for record in trail] == list(range(1, len(trail) + 1))
    assert [record.previous_sha256 for record in trail] == [GENESIS, *(record.sha256 for record in trail[:-1])]
    assert all(record.sha256 == record_digest(record) for record in trail)


@pytest.mark.parametrize(
    ("column", "value"), [("verdict", "PASS"), ("local_score", 0.01), ("image_sha256", "0" * 64), ("regions", [])]
)
def test_an_edited_verdict(database: Database, column: str, value: object) -> None:
    change(database, update(StoredInspection).where(StoredInspection.id == 3).values({column: value}))
    assert findings(database) == ["inspection 3: was edited"]


def test_a_verdict_given_to_another_part(database: Database) -> None:
    change(database, text("UPDATE parts SET name = 'another' WHERE name = 'part-1'"))
    assert findings(database) == ["inspection 1: was edited"]


def test_a_removed_verdict(database: Database) -> None:
    change(database, delete(WaitingPart))
    change(database, delete(StoredInspection).where(StoredInspection.id == 3))
    assert findings(database) == ["inspection 3: was removed"]


def test_a_verdict_removed_by_retention_is_no_finding(database: Database) -> None:
    with database.writing() as session:
        session.execute(delete(WaitingPart))
        session.execute(delete(StoredInspection).where(StoredInspection.id == 3))
        append(session, removal_entry([3], "older than 400 days"))
    assert findings(database) == []


def test_a_verdict_slipped_in(database: Database) -> None:
    columns = "station_id, part_id, received_at, verdict, reason, detail, regions, bundle_id, image_sha256, timings_ms"
    with database.writing() as session:
        existing = {column.name for column in StoredInspection.__table__.columns} - {"id", "trigger_id"}
        kept = ", ".join(sorted(existing))
        session.execute(
            text(f"INSERT INTO inspections ({kept}, trigger_id) SELECT {kept}, 'x' FROM inspections WHERE id = 1")
        )
    assert set(columns.split(", ")) <= existing
    assert findings(database) == ["inspection 4: has no audit record"]


@pytest.mark.parametrize("change_to", [{"decision": "false_alarm"}, {"reviewer": "Ben"}, {"note": None}])
def test_an_edited_decision(database: Database, change_to: dict[str, object]) -> None:
    change(database, update(Disposition).values(change_to))
    [edited, *standing] = findings(database)
    assert edited == "decision 1 about inspection 2: was edited"
    copied = [name for name in change_to if name != "note"]
    differs = "standing decision of inspection 2: is not what its decisions say ({})"
    assert standing == [differs.format(name) for name in copied]


def test_a_removed_decision(database: Database) -> None:
    # What stands refers to it, and has to go first.
    change(database, delete(StandingDecision))
    change(database, delete(Disposition))
    assert findings(database) == ["decision 1: was removed"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("decision", "confirmed_defect"), ("defect", "dent"), ("verdict", "PASS"), ("lot_id", None), ("is_blind", True)],
)
def test_an_edited_standing_decision(database: Database, name: str, value: object) -> None:
    change(database, update(StandingDecision).values({name: value}))
    assert findings(database) == [f"standing decision of inspection 2: is not what its decisions say ({name})"]


def test_a_standing_decision_about_which_nobody_decided(database: Database) -> None:
    change(database, update(StandingDecision).values(inspection_id=3))
    with database.reading() as session:
        found = list(find_faults_of_standing(session))
    # A running service notes again what is missing.
    nobody = "standing decision of inspection 3: nobody has decided about it"
    assert found in ([nobody], ["standing decision of inspection 2: is missing", nobody])


def test_a_removed_standing_decision_and_one_that_is_behind(station: TestClient, database: Database) -> None:
    for number in range(4, 9):
        identity = posted(station, number, spot=0.9)["id"]
        address = f"{INSPECTIONS}/{identity}/dispositions"
        station.post(address, json={"decision": "unclear"})
        station.post(address, json={"decision": "false_alarm"})
    assert findings(database) == []
    # Within one transaction that is taken back: a running service would mend it.
    with pytest.raises(InterruptedError), database.writing() as session:
        session.execute(delete(StandingDecision).where(StandingDecision.inspection_id.in_((2, 5))))
        first = session.scalars(select(Disposition).where(Disposition.inspection_id == 6)).first()
        assert first is not None
        before = {"up_to_id": first.id, "disposition_id": first.id, "decision": "unclear"}
        values = before | {"decided_at": first.decided_at}
        session.execute(update(StandingDecision).where(StandingDecision.inspection_id == 6).values(values))
        session.execute(update(StandingDecision).where(StandingDecision.inspection_id == 7).values(up_to_id=1))
        faults = list(find_faults_of_standing(session))
        raise InterruptedError
    said = "standing decision of inspection"
    assert faults == [
        f"{said} 2: is missing",
        f"{said} 5: is missing",
        f"{said} 6: does not know decision {first.id + 1}",
        f"{said} 7: refers to decision 1, which is not about it",
    ]


def test_standing_decisions_are_read_some_at_a_time(
    station: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.review.standing_check._AT_ONCE", 3)
    ids = [posted(station, number, spot=0.9)["id"] for number in range(10, 21)]
    many = {"inspections": [{"id": number} for number in ids], "decision": "false_alarm"}
    assert len(station.post("/api/v1/dispositions", json=many).json()["stored"]) == len(ids)
    assert findings(database) == []
    odd = update(StandingDecision).where(StandingDecision.inspection_id.in_(ids[1::2]))
    change(database, odd.values(bundle_id="another"))
    told = "standing decision of inspection {}: is not what its decisions say (bundle_id)"
    assert findings(database) == [told.format(number) for number in ids[1::2]]


def test_an_edited_record(database: Database) -> None:
    change(database, update(AuditRecord).where(AuditRecord.sequence == 2).values(actor="somebody else"))
    assert [finding for finding in findings(database) if finding.startswith("record 2 (")] != []


def test_an_edited_record_with_its_digest_made_anew(database: Database) -> None:
    record = records(database)[1]
    record.actor = "somebody else"
    values = {"actor": record.actor, "sha256": record_digest(record)}
    change(database, update(AuditRecord).where(AuditRecord.sequence == 2).values(values))
    assert findings(database) == ["record 3: does not follow the one before it"]


def test_a_removed_record(database: Database) -> None:
    change(database, delete(AuditRecord).where(AuditRecord.sequence == 3))
    assert "records 3 to 3: are missing" in findings(database)


def test_a_trail_cut_short_is_found_by_a_head_noted_before(database: Database) -> None:
    with database.writing() as session:
        append(session, Entry(Action.PROFILE, "Emi", "station press-3", {"version": 2}))
    noted = verify(database).head
    assert findings(database, noted) == []
    with database.writing() as session:
        append(session, Entry(Action.PROFILE, "Emi", "station press-3", {"version": 3}))
    assert findings(database, noted) == []
    for number in (-1, -2):
        change(database, delete(AuditRecord).where(AuditRecord.sequence == records(database)[-1].sequence))
        assert (findings(database, noted) == []) == (number == -1)


def test_an_emptied_trail(database: Database) -> None:
    change(database, delete(AuditRecord))
    assert findings(database)[0].startswith("the trail: is empty")


def test_writers_at_once_make_one_chain(station: TestClient, database: Database) -> None:
    with ThreadPoolExecutor(6) as cameras:
        answers = list(cameras.map(lambda number: post(station, f"t{number}"), range(18)))
    assert {answer.status_code for answer in answers} == {201}
    result = verify(database)
    assert (result.findings, result.inspection_count) == ([], 21)


def test_a_retry_is_not_recorded_twice(station: TestClient, database: Database) -> None:
    count = len(records(database))
    assert post(station, 2).status_code == 200
    assert len(records(database)) == count


def test_an_inspection_leads_to_its_records(database: Database) -> None:
    with database.reading() as session:
        for inspection_id in (1, 2, 3):
            verdict, *decisions = find_records_of(session, inspection_id)
            assert f'"{inspection_id}":' in verdict.detail
            assert [record.action for record in decisions] == [Action.DISPOSITION] * (inspection_id == 2)
        assert find_records_of(session, 4711) == []


def test_the_trail_is_read_page_by_page(station: TestClient, database: Database) -> None:
    seen: list[int] = []
    below = None
    while True:
        params = {"limit": 3} | ({"below": below} if below else {})
        page = station.get("/api/v1/audit", params=params).json()
        seen += [item["sequence"] for item in page["items"]]
        below = page["next_cursor"]
        if below is None:
            break
    assert seen == [record.sequence for record in reversed(records(database))]


def test_the_command_tells_whole_from_touched(
    station: TestClient, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Command(station, tmp_path / "data")
    assert command("audit", "verify") == verify(database).head
    change(database, update(StoredInspection).where(StoredInspection.id == 1).values(verdict="FAIL"))
    with pytest.raises(AssertionError, match="inspection 1: was edited"):
        command("audit", "verify")
