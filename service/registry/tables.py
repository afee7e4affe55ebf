"""Promotions. Rows are only ever added: the newest names the champion."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from service.db.columns import Key, Name, Record


class Promotion(Record):
    """A bundle became the champion: by whom, when and why."""

    __tablename__ = "promotions"

    id: Mapped[Key]
    bundle_id: Mapped[Name]
    author: Mapped[Name]
    promoted_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)
