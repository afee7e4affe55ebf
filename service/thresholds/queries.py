"""The parts that the figures stand on, within a transaction that the operation holds."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.verdict import Verdict
from service.challenge.operations import challenge_inspection_ids
from service.db.tables import Lot, Part, Station, StoredInspection
from service.review.operations import Decision, standing_decisions

STREAM_LENGTH, DECIDED_LENGTH = 5_000, 4_000
_COLUMNS = (
    StoredInspection.id,
    Part.name.label("part"),
    Lot.name.label("lot"),
    StoredInspection.local_score,
    StoredInspection.global_score,
    StoredInspection.verdict,
)


class DecidedRow(NamedTuple):
    """A part with its scores, and what a person called it."""

    id: int
    part: str
    lot: str | None
    local_score: float | None
    global_score: float | None
    verdict: Verdict
    decision: Decision


def find_station_id(session: Session, name: str) -> int | None:
    return session.scalar(select(Station.id).where(Station.name == name))


def find_station_names(session: Session) -> list[str]:
    """All of them, by name."""
    return list(session.scalars(select(Station.name).order_by(Station.name)))


def find_stream(session: Session, station_id: int, bundle_id: str) -> list[Any]:
    """Rows of the newest parts with scores of that bundle; challenge parts are left out."""
    query = (
        select(*_COLUMNS)
        .join(Part, Part.id == StoredInspection.part_id)
        .outerjoin(Lot, Lot.id == StoredInspection.lot_id)
        .where(
            StoredInspection.station_id == station_id,
            StoredInspection.bundle_id == bundle_id,
            StoredInspection.local_score.is_not(None),
        )
        .order_by(StoredInspection.id.desc())
        .limit(STREAM_LENGTH)
    )
    rows = list(session.execute(query))
    if not rows:
        return []
    left_out = set(session.scalars(challenge_inspection_ids(rows[-1].id, rows[0].id)))
    return [row for row in rows if row.id not in left_out]


def find_decided(session: Session, station_id: int, bundle_id: str, since: datetime) -> list[DecidedRow]:
    """Parts that a person called defective or good, with `decision`: flagged ones, and those drawn by chance.

    A passed part counts only where it was decided blind: that happens by spot check alone. Who opens a passed part by
    themselves had a reason, which chance has not.
    """
    decided = standing_decisions()
    newest = (
        select(decided.c.inspection_id, decided.c.decision)
        .where(
            decided.c.station_id == station_id,
            decided.c.bundle_id == bundle_id,
            decided.c.decided_at >= since,
            decided.c.decision.in_([Decision.CONFIRMED_DEFECT, Decision.FALSE_ALARM]),
            (decided.c.verdict != Verdict.PASS) | decided.c.is_blind,
        )
        .order_by(decided.c.decided_at.desc(), decided.c.disposition_id.desc())
        .limit(DECIDED_LENGTH)
    )
    decisions: dict[int, Decision] = {row[0]: row[1] for row in session.execute(newest)}
    # By their ids: as a join, PostgreSQL would rather read every inspection there is.
    query = (
        select(*_COLUMNS)
        .join(Part, Part.id == StoredInspection.part_id)
        .outerjoin(Lot, Lot.id == StoredInspection.lot_id)
        .where(StoredInspection.id.in_(decisions), StoredInspection.local_score.is_not(None))
    )
    return [DecidedRow(*row, decisions[row.id]) for row in session.execute(query)]
