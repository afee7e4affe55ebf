"""Changes of defect names. Rows are only ever added, and decisions keep the name that was given: see `renaming`."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.db.columns import Id, Key, Name, Record


class DefectNameChange(Record):
    """From then on `old_name` is called `new_name`; where that name exists already, both are one."""

    __tablename__ = "defect_name_changes"

    id: Mapped[Key]
    old_name: Mapped[str | None] = mapped_column(String(64))
    new_name: Mapped[str | None] = mapped_column(String(64))
    takes_back: Mapped[int | None] = mapped_column(Id, ForeignKey("defect_name_changes.id"), unique=True)
    """An earlier change that no longer counts; then there are no names."""
    author: Mapped[Name]
    changed_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)
