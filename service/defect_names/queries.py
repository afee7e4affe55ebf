"""Changes of names, within a transaction that the operation holds."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.defect_names.tables import DefectNameChange


def find_changes(session: Session) -> list[DefectNameChange]:
    """All, oldest first: there are as many as people have made by hand."""
    return list(session.scalars(select(DefectNameChange).order_by(DefectNameChange.id)))
