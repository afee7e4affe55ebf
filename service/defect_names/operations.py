"""What defect names do. Each operation is one transaction. Decisions keep the name that was given; it is read anew."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from service.audit.operations import Action, Entry, append
from service.db.engine import Database
from service.defect_names import queries
from service.defect_names.renaming import Naming
from service.defect_names.schemas import NameChangeAnswer, NameChangeList, NameChangeRequest
from service.defect_names.tables import DefectNameChange
from service.errors import Conflict, NotFound

__all__ = ["Naming", "change_name", "list_changes", "read_naming", "take_back"]


def read_naming(session: Session) -> Naming:
    """What each given name is called today, within the caller's transaction."""
    return Naming(queries.find_changes(session))


def change_name(database: Database, request: NameChangeRequest, *, author: str) -> NameChangeAnswer:
    """Rename, or merge where the new name is in use. Raises Conflict where the old name is called otherwise already."""
    with database.writing() as session:
        naming = read_naming(session)
        if naming.today(request.old_name) != request.old_name or request.old_name == request.new_name:
            today = naming.today(request.old_name)
            raise Conflict(f"defect {request.old_name}: is called {today} already", "change the name it has now")
        values = {"old_name": request.old_name, "new_name": request.new_name, "note": request.note}
        return _add(session, values, author)


def take_back(database: Database, change_id: int, *, author: str) -> NameChangeAnswer:
    """Let a change no longer count. Raises NotFound; Conflict where it was taken back before."""
    with database.writing() as session:
        changes = queries.find_changes(session)
        change = next((row for row in changes if row.id == change_id and row.takes_back is None), None)
        if change is None:
            raise NotFound(f"change {change_id}: there is none", "take an id from GET /api/v1/defect-names/changes")
        if any(row.takes_back == change_id for row in changes):
            raise Conflict(f"change {change_id}: was taken back before", "look at the names as they are now")
        _add(session, {"takes_back": change_id}, author)
        return next(answer for answer in _answers(queries.find_changes(session)) if answer.id == change_id)


def list_changes(database: Database) -> NameChangeList:
    """Newest first."""
    with database.reading() as session:
        return NameChangeList(items=_answers(queries.find_changes(session))[::-1])


def _add(session: Session, values: Mapping[str, Any], author: str) -> NameChangeAnswer:
    row = DefectNameChange(author=author, changed_at=datetime.now(UTC), **values)
    session.add(row)
    session.flush()
    subject = f"defect {row.old_name}" if row.takes_back is None else f"change {row.takes_back} of defect names"
    append(session, Entry(Action.DEFECT_NAME, author, subject, {"id": row.id, **values}))
    return _to_answer(row, None)


def _answers(changes: list[DefectNameChange]) -> list[NameChangeAnswer]:
    """Oldest first, each with what took it back."""
    taken_back = {row.takes_back: row for row in changes if row.takes_back is not None}
    return [_to_answer(row, taken_back.get(row.id)) for row in changes if row.takes_back is None]


def _to_answer(row: DefectNameChange, withdrawal: DefectNameChange | None) -> NameChangeAnswer:
    return NameChangeAnswer(
        id=row.id,
        old_name=row.old_name or "",
        new_name=row.new_name or "",
        author=row.author,
        changed_at=row.changed_at,
        note=row.note,
        taken_back_by=withdrawal.author if withdrawal else None,
        taken_back_at=withdrawal.changed_at if withdrawal else None,
    )
