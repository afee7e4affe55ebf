"""Challengers that scored live parts beside the champion, and what they would have said."""

from datetime import datetime

from sqlalchemy import JSON, Double, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inspection.verdict import Verdict
from service.db.columns import Id, Key, Name, Record, words
from service.db.tables import StoredInspection


class ShadowTrial(Record):
    """One challenger beside one champion. What it said has no effect on any part."""

    __tablename__ = "shadow_trials"

    id: Mapped[Key]
    bundle_id: Mapped[Name] = mapped_column(index=True)
    champion_id: Mapped[Name]
    stations: Mapped[list[str]] = mapped_column(JSON)
    """Names, or beginnings that end in *."""
    sample_rate: Mapped[float] = mapped_column(Double)
    author: Mapped[Name]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(128))
    trouble: Mapped[str | None] = mapped_column(Text)
    """Why it cannot score, if so."""
    dropped_count: Mapped[int] = mapped_column(Id)
    """Parts that were drawn and left, for the champion had to have the machine."""
    cpu_s: Mapped[float] = mapped_column(Double)
    """Processor time it has cost so far, over `wall_s` of the clock."""
    wall_s: Mapped[float] = mapped_column(Double)


class ShadowScore(Record):
    """What a challenger would have said of one inspection."""

    __tablename__ = "shadow_scores"
    __table_args__ = (
        UniqueConstraint("trial_id", "inspection_id"),
        Index("ix_shadow_scores_flips", "trial_id", "is_flip", "apart"),
    )

    id: Mapped[Key]
    trial_id: Mapped[int] = mapped_column(Id, ForeignKey("shadow_trials.id"))
    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"))
    verdict: Mapped[Verdict] = mapped_column(words(Verdict, "verdict", 8))
    champion_verdict: Mapped[Verdict] = mapped_column(words(Verdict, "champion_verdict", 8))
    local_score: Mapped[float | None]
    global_score: Mapped[float | None]
    part_score: Mapped[float | None]
    local_pass_limit: Mapped[float | None]
    local_fail_limit: Mapped[float | None]
    global_pass_limit: Mapped[float | None]
    global_fail_limit: Mapped[float | None]
    is_flip: Mapped[bool]
    apart: Mapped[float]
    """How far both part scores lie apart, in widths of hold bands."""

    inspection: Mapped[StoredInspection] = relationship(lazy="raise")
