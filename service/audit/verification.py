"""Is the trail whole, and does the record still say what the trail says? Finds any edit, removal, insertion or gap.

Who can write to the database could also write a whole new trail. Against that helps the head, noted elsewhere: a trail
that was written anew does not contain it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from service.audit.chain import GENESIS, record_digest
from service.audit.operations import Action
from service.audit.tables import AuditRecord
from service.audit.verdicts import stored_digest
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.review.operations import find_faults_of_standing, is_as_recorded, stream_dispositions

_ROWS_AT_ONCE = 500
_FINDINGS_KEPT = 50


@dataclass(slots=True)
class Verification:
    """What was looked at, and what is wrong; `head` is the newest record as SEQUENCE:SHA256."""

    record_count: int = 0
    inspection_count: int = 0
    disposition_count: int = 0
    head: str = f"0:{GENESIS}"
    finding_count: int = 0
    findings: list[str] = field(default_factory=list)

    def add(self, finding: str) -> None:
        self.finding_count += 1
        if len(self.findings) < _FINDINGS_KEPT:
            self.findings.append(finding)


@dataclass(slots=True)
class _Told:
    """What the records say should be in the database."""

    inspections: dict[int, str] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    dispositions: dict[int, dict[str, Any]] = field(default_factory=dict)
    last_inspection_before: int = 0
    last_disposition_before: int = 0

    def listen(self, record: AuditRecord) -> None:
        detail = json.loads(record.detail)
        match record.action:
            case Action.TRAIL_BEGAN:
                self.last_inspection_before = detail["last_inspection_id"]
                self.last_disposition_before = detail["last_disposition_id"]
            case Action.VERDICTS:
                self.inspections.update((int(key), digest) for key, digest in detail["inspections"].items())
            case Action.INSPECTIONS_REMOVED:
                self.removed.update(detail["inspections"])
            case Action.DISPOSITION:
                self.dispositions[detail["id"]] = detail


def verify(database: Database, anchor: str | None = None) -> Verification:
    """Read everything once. `anchor` is a head that was noted before, as SEQUENCE:SHA256."""
    result, told = Verification(), _Told()
    with database.reading() as session:
        if session.get_bind().dialect.name == "postgresql":
            # One moment's view of all tables; SQLite's read transactions are that anyway.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        heads = _verify_chain(session, result, told)
        if anchor is not None and anchor not in heads:
            result.add(f"head {anchor}: is not in the trail, which was cut or written anew")
        _verify_inspections(session, result, told)
        _verify_dispositions(session, result, told)
        # It tells nothing that the decisions do not, but every page reads it in their place.
        for fault in find_faults_of_standing(session):
            result.add(fault)
    return result


def _verify_chain(session: Session, result: Verification, told: _Told) -> set[str]:
    """All heads that the trail ever had."""
    previous, expected, heads = GENESIS, 1, set()
    query = select(AuditRecord).order_by(AuditRecord.sequence).execution_options(yield_per=_ROWS_AT_ONCE)
    for record in session.scalars(query):
        if record.sequence != expected:
            result.add(f"records {expected} to {record.sequence - 1}: are missing")
        elif record.previous_sha256 != previous:
            result.add(f"record {record.sequence}: does not follow the one before it")
        if record_digest(record) != record.sha256:
            result.add(f"record {record.sequence} ({record.action}, {record.subject}): was edited")
        else:
            told.listen(record)
        previous, expected = record.sha256, record.sequence + 1
        result.record_count += 1
        result.head = f"{record.sequence}:{record.sha256}"
        heads.add(result.head)
    if not result.record_count:
        result.add("the trail: is empty; every trail begins with a record of its own")
    return heads


def _verify_inspections(session: Session, result: Verification, told: _Told) -> None:
    missing = told.inspections.keys() - told.removed
    for row in _stream_inspections(session, told.last_inspection_before):
        result.inspection_count += 1
        missing.discard(row.id)
        digest = told.inspections.get(row.id)
        if digest is None:
            result.add(f"inspection {row.id}: has no audit record")
        elif digest != stored_digest(row):
            result.add(f"inspection {row.id}: was edited")
    for inspection_id in sorted(missing):
        result.add(f"inspection {inspection_id}: was removed")


def _stream_inspections(session: Session, above_id: int) -> Iterator[StoredInspection]:
    with_names = select(StoredInspection).options(
        joinedload(StoredInspection.station), joinedload(StoredInspection.part), joinedload(StoredInspection.lot)
    )
    in_order = with_names.order_by(StoredInspection.id).limit(_ROWS_AT_ONCE)
    while rows := list(session.scalars(in_order.where(StoredInspection.id > above_id))):
        yield from rows
        above_id = rows[-1].id
        session.expunge_all()


def _verify_dispositions(session: Session, result: Verification, told: _Told) -> None:
    missing = set(told.dispositions)
    for stored in stream_dispositions(session, above_id=told.last_disposition_before):
        result.disposition_count += 1
        missing.discard(stored.id)
        recorded = told.dispositions.get(stored.id)
        if recorded is None:
            result.add(f"decision {stored.id} about inspection {stored.inspection_id}: has no audit record")
        elif not is_as_recorded(stored, recorded):
            result.add(f"decision {stored.id} about inspection {stored.inspection_id}: was edited")
    for disposition_id in sorted(missing):
        result.add(f"decision {disposition_id}: was removed")
