"""What was drawn, and how likely it was. Rows are only ever added; what people decided is in the dispositions."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.columns import Id, Key, Record, words
from service.db.tables import StoredInspection


class DrawnFrom(StrEnum):
    """Which parts a draw was made from."""

    PASSED = "passed"
    FLAGGED = "flagged"
    DECIDED = "decided"
    """A decided part comes again."""


class SpotCheck(Record):
    """One inspection that was drawn."""

    __tablename__ = "spot_checks"
    __table_args__ = (
        Index("ix_spot_checks_drawn_from", "drawn_from", "inspection_id"),
        Index("ix_spot_checks_drawn_at", "drawn_from", "drawn_at"),
    )

    id: Mapped[Key]
    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), index=True)
    drawn_from: Mapped[DrawnFrom] = mapped_column(words(DrawnFrom, "drawn_from", 16))
    probability: Mapped[float]
    """With which it was drawn, above 0: each drawn part stands for 1 / probability parts."""
    drawn_at: Mapped[datetime]

    inspection: Mapped[StoredInspection] = relationship(lazy="raise")
