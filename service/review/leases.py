"""Leases: whoever looks at a part has it for a while, so that two people never decide about the same one."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from service.review.tables import ReviewLease

# The page renews it while it is open and in sight.
LASTS = timedelta(minutes=2)


def holder_of(session: Session, inspection_id: int) -> str | None:
    """Who looks at it now."""
    lease = session.get(ReviewLease, inspection_id)
    return lease.reviewer if lease is not None and lease.ends_at > datetime.now(UTC) else None


def take(session: Session, inspection_id: int, reviewer: str) -> str:
    """Who has it then: the reviewer, unless somebody else looks at it."""
    holder = holder_of(session, inspection_id)
    if holder not in (None, reviewer):
        return str(holder)
    # A person looks at one part at a time.
    mine = (ReviewLease.reviewer == reviewer) | (ReviewLease.inspection_id == inspection_id)
    session.execute(delete(ReviewLease).where(mine))
    session.add(ReviewLease(inspection_id=inspection_id, reviewer=reviewer, ends_at=datetime.now(UTC) + LASTS))
    return reviewer


def end(session: Session, inspection_id: int) -> None:
    session.execute(delete(ReviewLease).where(ReviewLease.inspection_id == inspection_id))
