"""Which pictures are there, whose time may be over, and who else refers to them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from service.db.tables import StoredInspection

_ROWS_AT_ONCE = 500
_WITH_PICTURES = (StoredInspection.image_sha256.is_not(None), StoredInspection.images_removed_at.is_(None))


def find_newest_arrival(session: Session) -> datetime | None:
    """When the last image came."""
    newest = select(StoredInspection.received_at).order_by(StoredInspection.id.desc()).limit(1)
    return session.scalar(newest)


def find_older(session: Session, than: datetime, *, above_id: int) -> Sequence[StoredInspection]:
    """Some inspections with pictures that arrived before, in the order of their ids."""
    query = select(StoredInspection).where(*_WITH_PICTURES, StoredInspection.received_at < than)
    query = query.where(StoredInspection.id > above_id).order_by(StoredInspection.id).limit(_ROWS_AT_ONCE)
    return session.scalars(query).all()


def mark_removed(session: Session, inspection_ids: Sequence[int], at: datetime) -> None:
    """Their pictures are gone, or are about to be."""
    chosen = update(StoredInspection).where(StoredInspection.id.in_(inspection_ids))
    session.execute(chosen.values(images_removed_at=at))


def find_marked_since(session: Session, since: datetime) -> Iterator[StoredInspection]:
    """Inspections that a run marked lately; it may have been cut off before it removed their pictures."""
    yield from session.scalars(select(StoredInspection).where(StoredInspection.images_removed_at >= since))


def is_kept(session: Session, sha256: str) -> bool:
    """Does an inspection whose time is not over refer to these bytes?"""
    named = or_(StoredInspection.image_sha256 == sha256, StoredInspection.heat_map_sha256 == sha256)
    kept = select(func.count()).select_from(StoredInspection).where(named, *_WITH_PICTURES[1:])
    return bool(session.scalar(kept))
