"""What the registry does. Each operation is one transaction."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.errors import Conflict, NotFound
from service.registry.anchors import choose_anchor, find_anchor_id, find_standing_ids
from service.registry.champions import (
    find_champion_id,
    find_champion_ids,
    find_previous_id,
    find_promoted_ids,
    find_scope,
)
from service.registry.lineages import Origin, find_children, find_lineage, record_lineage
from service.registry.rescoring import Rescoring, count_rescored, put_before_a_person, rescore
from service.registry.schemas import BundleStory, LineageAnswer, PromotionAnswer
from service.registry.scopes import PLANT, Scope, Scopes
from service.registry.shelving import shelve
from service.registry.tables import Promotion

__all__ = [
    "PLANT",
    "Origin",
    "Rescoring",
    "Scope",
    "Scopes",
    "choose_anchor",
    "count_rescored",
    "find_anchor_id",
    "find_champion_id",
    "find_champion_ids",
    "find_children",
    "find_lineage",
    "find_previous_id",
    "find_promoted_ids",
    "find_scope",
    "find_standing_ids",
    "get_previous_id",
    "list_promotions",
    "promote",
    "promote_unless_ever",
    "put_before_a_person",
    "record_lineage",
    "rescore",
    "roll_back",
    "shelve",
    "tell_story",
]

_PROMOTIONS_SHOWN = 50


def promote(
    database: Database, bundle_id: str, *, author: str, note: str | None = None, scope: Scope = PLANT
) -> PromotionAnswer:
    """Make a bundle the champion, from the next look of every process on. Whether it can serve is seen before."""
    with database.writing() as session:
        return _add(session, bundle_id, scope, author, note)


def roll_back(
    database: Database,
    *,
    author: str,
    note: str | None = None,
    from_id: str | None = None,
    scope: Scope = PLANT,
) -> PromotionAnswer:
    """Make the champion before this one the champion again. Raises Conflict.

    With `from_id` only where that one is the champion still: two people who press the same button go back once.
    """
    with database.writing() as session:
        champion_id, previous_id = find_champion_id(session, scope), find_previous_id(session, scope)
        if from_id is not None and champion_id != from_id:
            raise Conflict(f"{from_id}: is not the champion any more", "look at the promotions again")
        if previous_id is None:
            raise Conflict("champion: there was none before it", "promote another bundle instead")
        return _add(session, previous_id, scope, author, note or f"rolled back from {champion_id}")


def promote_unless_ever(database: Database, bundle_id: str, *, author: str) -> None:
    """For the bundle a process was started with: it becomes the champion unless it has been one before.

    So a new bundle given at the start takes over, and an old start script does not undo a later promotion.
    """
    with database.writing() as session:
        known = session.scalar(select(Promotion.id).where(Promotion.bundle_id == bundle_id).limit(1))
        if known is None:
            _add(session, bundle_id, PLANT, author, None)


def get_previous_id(database: Database, scope: Scope = PLANT) -> str:
    """Whom a rollback would bring back. Raises Conflict where there is none."""
    with database.reading() as session:
        previous_id = find_previous_id(session, scope)
    if previous_id is None:
        raise Conflict("champion: there was none before it", "promote another bundle instead")
    return previous_id


def list_promotions(database: Database) -> list[PromotionAnswer]:
    """Newest first."""
    with database.reading() as session:
        rows = session.scalars(select(Promotion).order_by(Promotion.id.desc()).limit(_PROMOTIONS_SHOWN))
        return [_to_answer(row) for row in rows]


def tell_story(database: Database, bundle_id: str) -> BundleStory:
    """All that is on record of a bundle. Raises NotFound for one that nobody has heard of."""
    with database.reading() as session:
        lineage = find_lineage(session, bundle_id)
        mine = select(Promotion).where(Promotion.bundle_id == bundle_id).order_by(Promotion.id.desc())
        promotions = [_to_answer(row) for row in session.scalars(mine)]
        if lineage is None and not promotions:
            raise NotFound(f"{bundle_id}: no such bundle", "take one from /bundles")
        return BundleStory(
            bundle_id=bundle_id,
            is_champion=bundle_id in find_champion_ids(session),
            lineage=LineageAnswer.model_validate(lineage, from_attributes=True) if lineage else None,
            promotions=promotions,
            children=[child.bundle_id for child in find_children(session, bundle_id)],
        )


def _add(session: Session, bundle_id: str, scope: Scope, author: str, note: str | None) -> PromotionAnswer:
    row = Promotion(bundle_id=bundle_id, line=scope, author=author, promoted_at=datetime.now(UTC), note=note)
    session.add(row)
    session.flush()
    answer = _to_answer(row)
    append(session, Entry(Action.PROMOTION, author, bundle_id, answer.model_dump(mode="json", exclude={"author"})))
    return answer


def _to_answer(row: Promotion) -> PromotionAnswer:
    return PromotionAnswer(
        bundle_id=row.bundle_id, line=row.line, author=row.author, promoted_at=row.promoted_at, note=row.note
    )
