"""A challenger takes the champion's place: by policy, or at an engineer's word."""

from service.db.engine import Database
from service.errors import Outdated
from service.registry.operations import Scope, find_champion_id, promote


def promote_challenger(
    database: Database, challenger_id: str, *, instead_of: str, author: str, note: str | None, scope: Scope
) -> None:
    """Raises Outdated: the gate's answer holds against one champion only. Promoting it twice is once."""
    with database.reading() as session:
        champion_id = find_champion_id(session, scope)
    if champion_id == challenger_id:
        return
    if champion_id != instead_of:
        raise Outdated(
            f"{challenger_id}: was compared with {instead_of}, and {champion_id} judges now",
            "let the next night compare with it",
        )
    promote(database, challenger_id, author=author, note=note, scope=scope)
