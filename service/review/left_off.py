"""Where a person left the queue, to go on there: later, at another machine, among the same parts."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from service.review import queue
from service.review.queue import Place
from service.review.queue_filter import QueueFilter
from service.review.tables import LeftOff


@dataclass(frozen=True, slots=True)
class WayBack:
    """The part to go on with."""

    inspection_id: int
    wanted: QueueFilter
    left_at: datetime


def note(session: Session, inspection_id: int, wanted: QueueFilter, reviewer: str) -> None:
    """This person looks at that part now. A part that does not wait is none of the queue, and changes nothing."""
    waiting = queue.find(session, inspection_id)
    if waiting is None:
        return
    kept = session.get(LeftOff, reviewer)
    # A look is told of again and again while it lasts.
    if kept is not None and (kept.inspection_id, kept.wanted) == (inspection_id, wanted.fields):
        return
    values = {"rank": waiting.rank, "score": waiting.score, "wanted": wanted.fields, "left_at": datetime.now(UTC)}
    session.merge(LeftOff(reviewer=reviewer, inspection_id=inspection_id, **values))


def find_way_back(session: Session, reviewer: str, *, among: QueueFilter | None = None) -> WayBack | None:
    """Where this person goes on; None where they were nowhere, or nothing is left of it.

    `among`: only where they were among these. None: wherever they were.
    """
    kept = session.get(LeftOff, reviewer)
    if kept is None:
        return None
    wanted = QueueFilter.model_validate(kept.wanted)
    if among not in (None, wanted):
        return None
    place = Place(kept.inspection_id, kept.rank, kept.score)
    found = queue.find_id_from(session, place, wanted, reviewer)
    return None if found is None else WayBack(found, wanted, kept.left_at)
