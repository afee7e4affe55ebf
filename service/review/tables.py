"""What a person decided. Rows are only ever added: the latest of an inspection counts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.columns import Id, Key, Name, Record, words
from service.db.tables import StoredInspection


class Decision(StrEnum):
    """A person's answer to a flagged part."""

    CONFIRMED_DEFECT = "confirmed_defect"
    FALSE_ALARM = "false_alarm"
    UNCLEAR = "unclear"
    WITHDRAWN = "withdrawn"
    """Whoever decided last has taken it back: the part waits again."""


class Disposition(Record):
    """One decision: what, who, when. It never edits the verdict."""

    __tablename__ = "dispositions"

    id: Mapped[Key]
    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), index=True)
    decision: Mapped[Decision] = mapped_column(words(Decision, "decision", 32))
    reviewer: Mapped[Name]
    decided_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)
    defect: Mapped[str | None] = mapped_column(String(64), index=True)
    """What the defect is called, where it was confirmed by name."""

    inspection: Mapped[StoredInspection] = relationship(lazy="raise")


class WaitingPart(Record):
    """An inspection in the queue. Flagged ones are put here as they are recorded, and taken out by a decision.

    A table of its own, so that the queue is as fast among a million inspections as among a hundred.
    """

    __tablename__ = "waiting_parts"
    __table_args__ = (Index("ix_waiting_parts_order", "rank", "score", "inspection_id"),)

    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), primary_key=True, autoincrement=False)
    rank: Mapped[int]
    score: Mapped[float]

    inspection: Mapped[StoredInspection] = relationship(lazy="raise")


class ReviewLease(Record):
    """Who looks at an inspection now. Until it ends, nobody else decides about it."""

    __tablename__ = "review_leases"

    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), primary_key=True, autoincrement=False)
    reviewer: Mapped[Name]
    ends_at: Mapped[datetime]
