"""Nights and their steps; the golden set and the pictures kept out, of which rows are only ever added."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.columns import Id, Key, Name, Record, Sha256, words


class NightState(StrEnum):
    """How far a night is. The last two are how it can end."""

    WAITING = "waiting"
    RUNNING = "running"
    SHADOW = "shadow"
    """The challenger has passed the gate and scores live parts, without effect."""
    AWAITING = "awaiting"
    """The challenger waits for an engineer's word."""
    PROMOTED = "promoted"
    KEPT = "kept"
    """The champion stays; `reason` says why."""


class Reason(StrEnum):
    """Why the champion was kept."""

    NO_NEW_IMAGES = "no_new_images"
    NO_CHAMPION = "no_champion"
    TRAINER_LOST = "trainer_lost"
    TRAINER_REFUSED = "trainer_refused"
    """It answered, with an error of its own."""
    DISK_FULL = "disk_full"
    BUDGET_SPENT = "budget_spent"
    GATE_FAILED = "gate_failed"
    GATE_UNDECIDED = "gate_undecided"
    SHADOW_FAILED = "shadow_failed"
    OUTDATED = "outdated"
    """Another champion has come meanwhile than the one it was compared with."""
    DECLINED = "declined"
    """An engineer said no."""
    STORE_FAILING = "store_failing"
    INTERNAL = "internal"


class Night(Record):
    """One night of one line."""

    __tablename__ = "nights"
    __table_args__ = (Index("ix_nights_line", "line", "id"),)

    id: Mapped[Key]
    name: Mapped[Name] = mapped_column(unique=True)
    line: Mapped[Name]
    asked_by: Mapped[Name]
    asked_at: Mapped[datetime]
    minutes: Mapped[float]
    """Its budget."""
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    state: Mapped[NightState] = mapped_column(words(NightState, "state", 16))
    reason: Mapped[Reason | None] = mapped_column(words(Reason, "reason", 32))
    detail: Mapped[str] = mapped_column(Text)
    champion_id: Mapped[Name | None]
    challenger_id: Mapped[Name | None]
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Of the report: what the chart and the list show."""


class NightStep(Record):
    """One step of a night, and what it found. A step that has ended is never done again."""

    __tablename__ = "night_steps"
    __table_args__ = (UniqueConstraint("night_id", "step"),)

    id: Mapped[Key]
    night_id: Mapped[int] = mapped_column(Id, ForeignKey("nights.id"))
    step: Mapped[str] = mapped_column(String(32))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)

    night: Mapped[Night] = relationship(lazy="raise")


class GoldenChange(Record):
    """A picture came into the golden set, was given another truth, or left it. The latest of a picture counts."""

    __tablename__ = "golden_changes"

    id: Mapped[Key]
    image_sha256: Mapped[Sha256] = mapped_column(index=True)
    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), index=True)
    is_golden: Mapped[bool]
    defect: Mapped[str | None] = mapped_column(String(64))
    """None for a good part."""
    author: Mapped[Name]
    changed_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)


class KeptOutChange(Record):
    """A person keeps a picture out of training, or lets it in again. The latest of a picture counts."""

    __tablename__ = "kept_out_changes"

    id: Mapped[Key]
    image_sha256: Mapped[Sha256] = mapped_column(index=True)
    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), index=True)
    is_kept_out: Mapped[bool]
    why: Mapped[str] = mapped_column(Text)
    author: Mapped[Name]
    changed_at: Mapped[datetime]
