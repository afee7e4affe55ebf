"""Who judges, and who did before, within a transaction that the operation holds.

A promotion for the whole plant holds for every line; one for a line takes that line's own way from then on, until the
whole plant is given another champion.
"""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.registry.scopes import PLANT, Scope
from service.registry.tables import Promotion


def find_champion_id(session: Session, scope: Scope = PLANT) -> str | None:
    """None where nothing was ever promoted."""
    query = _within(select(Promotion.bundle_id), scope).order_by(Promotion.id.desc())
    bundle_id: str | None = session.scalar(query.limit(1))
    return bundle_id


def find_first_id(session: Session, scope: Scope = PLANT) -> str | None:
    """The first champion there ever was; None where nothing was ever promoted."""
    bundle_id: str | None = session.scalar(_within(select(Promotion.bundle_id), scope).order_by(Promotion.id).limit(1))
    return bundle_id


def find_champion_ids(session: Session) -> set[str]:
    """All that judge somewhere: the plant's, and each line's that was ever given one of its own."""
    return {one for scope in find_scopes(session) if (one := find_champion_id(session, scope)) is not None}


def find_promoted_ids(session: Session) -> set[str]:
    """All that ever judged."""
    return set(session.scalars(select(Promotion.bundle_id).distinct()))


def find_scopes(session: Session) -> set[Scope]:
    """The plant, and every line that was ever given a champion of its own."""
    return {PLANT, *session.scalars(select(Promotion.line).distinct())}


def find_scope(session: Session, bundle_id: str) -> Scope:
    """Where that bundle was champion last."""
    newest = select(Promotion.line).where(Promotion.bundle_id == bundle_id).order_by(Promotion.id.desc()).limit(1)
    return session.scalar(newest)


def find_previous_id(session: Session, scope: Scope = PLANT) -> str | None:
    """Whom a rollback brings back: the champion before, and of one that came back by a rollback the one before it."""
    lasting: list[str] = []
    for bundle_id in session.scalars(_within(select(Promotion.bundle_id), scope).order_by(Promotion.id)):
        if len(lasting) > 1 and lasting[-2] == bundle_id:
            lasting.pop()
        elif not lasting or lasting[-1] != bundle_id:
            lasting.append(bundle_id)
    return lasting[-2] if len(lasting) > 1 else None


def _within(query: Select[Any], scope: Scope) -> Select[Any]:
    for_plant = Promotion.line.is_(None)
    return query.where(for_plant if scope is PLANT else for_plant | (Promotion.line == scope))
