"""What other features do with the trail: add to it within their own transaction, and read it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any, cast

from sqlalchemy import Table, column, func, insert, select, table, text
from sqlalchemy.orm import Session

from service.audit.chain import GENESIS, canonical_json, record_digest
from service.audit.tables import AuditRecord
from service.audit.verdicts import inspection_digest
from service.db.engine import Database
from service.db.tables import StoredInspection

__all__ = [
    "Action",
    "AuditRecord",
    "Entry",
    "append",
    "begin_trail",
    "find_page",
    "find_records_of",
    "inspection_digest",
    "removal_entry",
    "verdicts_entry",
]

SERVICE = "service"
"""The actor of what no person asked for."""
_ADVISORY_LOCK = 0x6B656E7A61
# Said once, and to the table: every commit of intake asks for both, and makes no object of the ORM.
_HEAD = select(AuditRecord.sequence, AuditRecord.sha256).order_by(AuditRecord.sequence.desc()).limit(1)
_ADDING = insert(cast(Table, AuditRecord.__table__))
# How many records back an inspection's own may lie: replicas commit side by side.
_NEIGHBOURS = 64


class Action(StrEnum):
    """What a record tells of."""

    TRAIL_BEGAN = "trail_began"
    VERDICTS = "verdicts"
    INSPECTIONS_REMOVED = "inspections_removed"
    PICTURES_REMOVED = "pictures_removed"
    """By retention; the verdicts stay."""
    DISPOSITION = "disposition"
    PROFILE = "profile"
    PROMOTION = "promotion"
    ANCHOR = "anchor"
    """Challengers are compared with another bundle besides the champion."""
    NIGHT = "night"
    """Asked for, ended, or decided about by an engineer."""
    NIGHTS_PRUNED = "nights_pruned"
    GOLDEN_PART = "golden_part"
    KEPT_OUT = "kept_out"
    RESCORING = "rescoring"
    SIGN_IN = "sign_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_OUT = "sign_out"
    PERSON = "person"
    STATION_KEY = "station_key"
    DEFECT_NAME = "defect_name"
    CHALLENGE_PART = "challenge_part"
    CHALLENGE_RESULT = "challenge_result"
    CHALLENGE_ACT = "challenge_act"
    """An engineer let a station go on, or had its challenge parts shown again."""
    ANNOUNCEMENT = "announcement"
    """The line has told of a lot or a part number."""
    DRIFT = "drift"
    """Scores of a station have moved as a whole."""
    DRIFT_ENDED = "drift_ended"
    SHADOW = "shadow"
    """A challenger begins to score live parts beside the champion, without effect."""
    SHADOW_ENDED = "shadow_ended"
    MESSAGES_SKIPPED = "messages_skipped"
    """A receiver is not told of these verdicts any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be recorded. `detail` may hold what JSON can."""

    action: Action
    actor: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    first_inspection_id: int | None = None


def verdicts_entry(digests: Mapping[int, str]) -> Entry:
    """One record for all verdicts of one commit: {inspection id: `inspection_digest`}, not empty."""
    ids = sorted(digests)
    subject = f"inspection {ids[0]}" if len(ids) == 1 else f"inspections {ids[0]} to {ids[-1]}"
    detail = {"inspections": {str(number): digests[number] for number in ids}}
    return Entry(Action.VERDICTS, SERVICE, subject, detail, first_inspection_id=ids[0])


def removal_entry(ids: Collection[int], why: str) -> Entry:
    """For retention: these inspections are gone from the record, and rightly so. Not empty."""
    subject = f"{len(ids)} inspections"
    return Entry(Action.INSPECTIONS_REMOVED, SERVICE, subject, {"inspections": sorted(ids), "why": why}, min(ids))


def append(session: Session, *entries: Entry) -> None:
    """Add records at the end of the trail, durable with the caller's transaction. Call it last in that transaction.

    Writers take turns here until they commit: SQLite's write transactions do so by themselves.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    head = session.execute(_HEAD).first()
    sequence, previous = (0, GENESIS) if head is None else (head.sequence, head.sha256)
    now = datetime.now(UTC)
    rows = []
    for entry in entries:
        sequence += 1
        row = _row(entry, sequence, now, previous)
        previous = row["sha256"]
        rows.append(row)
    session.connection().execute(_ADDING, rows)


def begin_trail(database: Database) -> None:
    """Write the first record unless it is there: it tells which inspections are older than the trail."""
    with database.writing() as session:
        if session.scalar(select(AuditRecord.sequence).limit(1)) is not None:
            return
        last_id = session.scalar(select(func.max(StoredInspection.id))) or 0
        # By name: review adds to the trail, so the trail cannot know review's tables.
        last_disposition_id = session.scalar(select(func.max(column("id"))).select_from(table("dispositions"))) or 0
        detail = {"last_inspection_id": last_id, "last_disposition_id": last_disposition_id}
        append(session, Entry(Action.TRAIL_BEGAN, SERVICE, "audit trail", detail))


def find_page(database: Database, *, below: int | None, limit: int) -> list[AuditRecord]:
    """Newest first, older than sequence number `below`."""
    query = select(AuditRecord).order_by(AuditRecord.sequence.desc()).limit(limit)
    if below is not None:
        query = query.where(AuditRecord.sequence < below)
    with database.reading() as session:
        return list(session.scalars(query))


def find_records_of(session: Session, inspection_id: int) -> list[AuditRecord]:
    """The record of an inspection's verdict, unless it is older than the trail, then those of its decisions."""
    candidates = (
        select(AuditRecord)
        .where(AuditRecord.action == Action.VERDICTS, AuditRecord.first_inspection_id <= inspection_id)
        .order_by(AuditRecord.first_inspection_id.desc())
        .limit(_NEIGHBOURS)
    )
    wanted = str(inspection_id)
    verdict = (record for record in session.scalars(candidates) if wanted in json.loads(record.detail)["inspections"])
    decisions = select(AuditRecord).where(
        AuditRecord.action == Action.DISPOSITION, AuditRecord.first_inspection_id == inspection_id
    )
    return [*islice(verdict, 1), *session.scalars(decisions.order_by(AuditRecord.sequence))]


def _row(entry: Entry, sequence: int, now: datetime, previous: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "sequence": sequence,
        "recorded_at": now,
        "actor": entry.actor[:128],
        "action": entry.action.value,
        "subject": entry.subject[:160],
        "first_inspection_id": entry.first_inspection_id,
        "detail": canonical_json(entry.detail),
        "previous_sha256": previous,
    }
    return row | {"sha256": record_digest(row)}
