"""The decision that stands about each inspection, kept beside the record, so that no page has to work it out again.

It is written in the transaction of every decision. What was decided past it, by a service of an older version that is
still running, is found by its id and worked out by the same `opinions.standing_of`.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.orm import Session

from service.db.engine import Database
from service.db.tables import StoredInspection
from service.review.opinions import standing_of
from service.review.tables import Disposition, StandingDecision

_AT_ONCE = 500
# Decisions past it are missed for a second, not for a year: more than these are never made in between two looks.
_NEWEST = 200


def note(session: Session, row: StoredInspection, dispositions: Sequence[Disposition]) -> None:
    """What stands after all decisions about `row`, oldest first and at least one; in the transaction of the last."""
    _replace(session, [row_of(row, dispositions)])


def catch_up(database: Database, *, newest_only: bool = False) -> int:
    """Note what was decided past it: of all decisions, or of the newest; how many inspections that concerned."""
    noted = 0
    while True:
        with database.reading() as session:
            above_id = _find_last_id(session) - _NEWEST if newest_only else 0
            missed = _find_missed(session, above_id)
        if not missed:
            return noted
        with database.writing() as session:
            _note_anew(session, missed)
        noted += len(missed)


def _find_last_id(session: Session) -> int:
    return session.scalar(select(func.max(Disposition.id))) or 0


def _find_missed(session: Session, above_id: int) -> list[int]:
    """Some inspections of decisions above that id that are not noted."""
    query = (
        select(Disposition.inspection_id)
        .outerjoin(StandingDecision, StandingDecision.inspection_id == Disposition.inspection_id)
        .where(Disposition.id > above_id)
        .where(or_(StandingDecision.inspection_id.is_(None), StandingDecision.up_to_id < Disposition.id))
        .order_by(Disposition.id)
        .limit(_AT_ONCE)
    )
    return sorted(set(session.scalars(query)))


def _note_anew(session: Session, inspection_ids: Sequence[int]) -> None:
    # Whoever decides about one of them waits, as for another person's decision.
    mine = select(StoredInspection).where(StoredInspection.id.in_(inspection_ids)).order_by(StoredInspection.id)
    rows = {row.id: row for row in session.scalars(mine.with_for_update())}
    _replace(session, [row_of(rows[number], said) for number, said in decisions_of(session, inspection_ids)])


def _replace(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    ids = [row["inspection_id"] for row in rows]
    session.execute(delete(StandingDecision).where(StandingDecision.inspection_id.in_(ids)))
    session.execute(insert(StandingDecision), rows)


def decisions_of(session: Session, inspection_ids: Sequence[int]) -> Iterator[tuple[int, list[Disposition]]]:
    """All decisions about each of these inspections, oldest first."""
    decided = select(Disposition).where(Disposition.inspection_id.in_(inspection_ids))
    dispositions = session.scalars(decided.order_by(Disposition.inspection_id, Disposition.id))
    for number, group in groupby(dispositions, key=attrgetter("inspection_id")):
        yield number, list(group)


def row_of(row: StoredInspection, dispositions: Sequence[Disposition]) -> dict[str, Any]:
    """The columns of what stands after all these decisions about `row`, oldest first and at least one."""
    stands = standing_of(dispositions)
    return {
        "inspection_id": row.id,
        "up_to_id": dispositions[-1].id,
        "disposition_id": stands and stands.id,
        "decision": stands and stands.decision,
        "defect": stands and stands.defect,
        "reviewer": stands and stands.reviewer,
        "decided_at": stands and stands.decided_at,
        "occasion": stands and stands.occasion,
        "is_blind": stands is not None and stands.is_blind,
        "station_id": row.station_id,
        "lot_id": row.lot_id,
        "bundle_id": row.bundle_id,
        "verdict": row.verdict,
        "received_at": row.received_at,
    }
