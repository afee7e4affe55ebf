"""Counts that are kept, so that no page has to count a million inspections."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db.columns import Id, Key, Name, Record


class Tally(Record):
    """The inspections of one station by one bundle that arrived within one quarter of an hour."""

    __tablename__ = "tallies"
    __table_args__ = (
        UniqueConstraint("station_id", "quarter", "bundle_id"),
        # Whoever asks how many parts came in a year has the answer from this index alone.
        Index(
            "ix_tallies_counted",
            *("quarter", "station_id", "bundle_id", "pass_count", "hold_count", "fail_count"),
        ),
    )

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    quarter: Mapped[datetime]
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
