"""Pictures that a person keeps out of training, with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.errors import Conflict, NotFound
from service.nightly.record import find_rows
from service.nightly.tables import KeptOutChange


@dataclass(frozen=True, slots=True)
class KeptOut:
    """A picture that no night learns from."""

    image: str
    inspection_id: int
    why: str
    author: str
    changed_at: datetime


def find_kept_out(session: Session) -> tuple[KeptOut, ...]:
    """All that stand, the newest first, within the caller's transaction."""
    latest = select(func.max(KeptOutChange.id)).group_by(KeptOutChange.image_sha256)
    query = select(KeptOutChange).where(KeptOutChange.id.in_(latest), KeptOutChange.is_kept_out)
    return tuple(
        KeptOut(row.image_sha256, row.inspection_id, row.why, row.author, row.changed_at)
        for row in session.scalars(query.order_by(KeptOutChange.id.desc()))
    )


def change(database: Database, inspection_ids: Sequence[int], *, is_kept_out: bool, why: str, author: str) -> int:
    """Keep pictures out, or let them in again, from the next night on; returns how many.

    Raises NotFound, and Conflict for an inspection without a picture.
    """
    now = datetime.now(UTC)
    with database.writing() as session:
        rows = find_rows(session, inspection_ids)
        missing = set(inspection_ids) - {row.id for row in rows}
        if missing:
            raise NotFound(f"inspection {min(missing)}: does not exist", "take an id from /review")
        for row in rows:
            if row.image_sha256 is None:
                raise Conflict(f"inspection {row.id}: has no picture", "nothing is learned from it anyway")
            session.add(
                KeptOutChange(
                    image_sha256=row.image_sha256,
                    inspection_id=row.id,
                    is_kept_out=is_kept_out,
                    why=why,
                    author=author,
                    changed_at=now,
                )
            )
        session.flush()
        entries = [
            Entry(
                Action.KEPT_OUT,
                author,
                f"inspection {row.id}",
                {"image_sha256": row.image_sha256, "is_kept_out": is_kept_out, "why": why},
            )
            for row in rows
        ]
        append(session, *entries)
    return len(rows)
