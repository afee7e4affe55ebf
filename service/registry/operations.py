"""What the registry does. Each operation is one transaction."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.registry.schemas import PromotionAnswer
from service.registry.tables import Promotion

_PROMOTIONS_SHOWN = 50


def promote(database: Database, bundle_id: str, *, author: str, note: str | None = None) -> PromotionAnswer:
    """Make a bundle the champion, from the next look of every process on. Whether it can serve is seen before."""
    with database.writing() as session:
        return _add(session, bundle_id, author, note)


def promote_unless_ever(database: Database, bundle_id: str, *, author: str) -> None:
    """For the bundle a process was started with: it becomes the champion unless it has been one before.

    So a new bundle given at the start takes over, and an old start script does not undo a later promotion.
    """
    with database.writing() as session:
        known = session.scalar(select(Promotion.id).where(Promotion.bundle_id == bundle_id).limit(1))
        if known is None:
            _add(session, bundle_id, author, None)


def find_champion_id(session: Session) -> str | None:
    """Within the caller's transaction; None where nothing was ever promoted."""
    return session.scalar(select(Promotion.bundle_id).order_by(Promotion.id.desc()).limit(1))


def list_promotions(database: Database) -> list[PromotionAnswer]:
    """Newest first."""
    with database.reading() as session:
        rows = session.scalars(select(Promotion).order_by(Promotion.id.desc()).limit(_PROMOTIONS_SHOWN))
        return [_to_answer(row) for row in rows]


def _add(session: Session, bundle_id: str, author: str, note: str | None) -> PromotionAnswer:
    row = Promotion(bundle_id=bundle_id, author=author, promoted_at=datetime.now(UTC), note=note)
    session.add(row)
    session.flush()
    answer = _to_answer(row)
    append(session, Entry(Action.PROMOTION, author, bundle_id, answer.model_dump(mode="json", exclude={"author"})))
    return answer


def _to_answer(row: Promotion) -> PromotionAnswer:
    return PromotionAnswer(bundle_id=row.bundle_id, author=row.author, promoted_at=row.promoted_at, note=row.note)
