"""The anchor: a bundle that stands still while champions change, so that many small steps cannot add up to a fall."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.registry.champions import find_champion_id, find_first_id, find_previous_id, find_scopes
from service.registry.schemas import AnchorAnswer
from service.registry.scopes import PLANT, Scope
from service.registry.tables import Anchor


def find_anchor_id(session: Session, scope: Scope = PLANT) -> str | None:
    """The one that an engineer chose last, else the first champion; within the caller's transaction."""
    mine = Anchor.line.is_(None) if scope is PLANT else Anchor.line.is_(None) | (Anchor.line == scope)
    chosen = session.scalar(select(Anchor.bundle_id).where(mine).order_by(Anchor.id.desc()).limit(1))
    return chosen or find_first_id(session, scope)


def find_standing_ids(session: Session) -> set[str]:
    """What must stay on the disk: every champion, what a rollback brings back, and every anchor."""
    found = {
        find(session, scope)
        for scope in find_scopes(session)
        for find in (find_champion_id, find_previous_id, find_anchor_id)
    }
    return {one for one in found if one is not None}


def choose_anchor(
    database: Database, bundle_id: str, *, author: str, note: str | None = None, scope: Scope = PLANT
) -> AnchorAnswer:
    """From the next night on. That the bundle is here is seen before."""
    with database.writing() as session:
        row = Anchor(bundle_id=bundle_id, line=scope, author=author, chosen_at=datetime.now(UTC), note=note)
        session.add(row)
        session.flush()
        answer = AnchorAnswer(
            bundle_id=row.bundle_id, line=row.line, author=row.author, chosen_at=row.chosen_at, note=row.note
        )
        append(session, Entry(Action.ANCHOR, author, bundle_id, answer.model_dump(mode="json", exclude={"author"})))
        return answer
