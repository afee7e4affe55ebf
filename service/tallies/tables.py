"""Counts that are kept, so that no page has to count a million inspections."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db.columns import Id, Key, Name, Record


class Tally(Record):
    """The inspections of one station by one bundle that arrived within one quarter of an hour."""

    __tablename__ = "tallies"
    __table_args__ = (UniqueConstraint("station_id", "quarter", "bundle_id"),)

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    quarter: Mapped[datetime] = mapped_column(index=True)
    """When the quarter of an hour began."""
    bundle_id: Mapped[Name]
    """Empty where none judged."""
    pass_count: Mapped[int]
    hold_count: Mapped[int]
    fail_count: Mapped[int]
    scored_count: Mapped[int]
    """Inspections with scores; the sums below are over these."""
    local_sum: Mapped[float]
    local_square_sum: Mapped[float]
    global_sum: Mapped[float]
    global_square_sum: Mapped[float]


class TallyProgress(Record):
    """One row: inspections up to this id are in the tallies."""

    __tablename__ = "tally_progress"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_inspection_id: Mapped[int] = mapped_column(Id)
