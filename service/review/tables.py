"""What people decided, and what waits for them. Dispositions are only ever added; `opinions` says which one counts,
and `standing` keeps what it says."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Computed, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inspection.verdict import Verdict
from service.db.columns import Id, Key, Name, Record, words
from service.db.tables import VERDICT_TYPE, StoredInspection


class Decision(StrEnum):
    """A person's answer to a flagged part."""

    CONFIRMED_DEFECT = "confirmed_defect"
    FALSE_ALARM = "false_alarm"
    UNCLEAR = "unclear"
    WITHDRAWN = "withdrawn"
    """Whoever decided has taken it back: the part waits again."""


class Occasion(StrEnum):
    """Why a person was asked."""

    FIRST = "first"
    REPEAT = "repeat"
    """A decided part that came again, blind: an opinion, which does not take the decision's place."""
    SECOND_OPINION = "second_opinion"
    """It settles what others saw differently."""


class WaitingKind(StrEnum):
    """Why a part waits."""

    FLAGGED = "flagged"
    SPOT_CHECK = "spot_check"
    """It passed, and was drawn."""
    REPEAT = "repeat"
    SECOND_OPINION = "second_opinion"


class Disposition(Record):
    """One decision: what, who, when, and how they came to it. It never edits the verdict."""

    __tablename__ = "dispositions"

    id: Mapped[Key]
    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), index=True)
    decision: Mapped[Decision] = mapped_column(words(Decision, "decision", 32))
    reviewer: Mapped[Name]
    decided_at: Mapped[datetime] = mapped_column(index=True)
    note: Mapped[str | None] = mapped_column(Text)
    defect: Mapped[str | None] = mapped_column(String(64), index=True)
    """What the defect is called, where it was confirmed by name: as it was called then, see `defect_names`."""
    occasion: Mapped[Occasion] = mapped_column(words(Occasion, "occasion", 32), default=Occasion.FIRST)
    is_blind: Mapped[bool] = mapped_column(default=False)
    """Decided from the picture alone, without what the machine said."""
    settles: Mapped[list[int]] = mapped_column(JSON, default=list)
    """A second opinion: the ids of the decisions it was asked about."""
    withdraws: Mapped[int | None] = mapped_column(Id, ForeignKey("dispositions.id"), index=True)
    """The decision that is taken back; only of a withdrawal."""
    marks: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What the person drew and erased: {"drawn": [box], "erased": [number of a region of the machine, from 1]}."""

    inspection: Mapped[StoredInspection] = relationship(lazy="raise")


class StandingDecision(Record):
    """The decision that counts, of every inspection about which somebody ever decided: see `standing`.

    What is asked for together with it is copied from the inspection, which never changes: pages that count a year of
    decisions look at this table alone.
    """

    __tablename__ = "standing_decisions"
    __table_args__ = (
        Index(
            "ix_standing_decisions_received",
            *("received_at", "verdict", "decision", "station_id", "bundle_id", "inspection_id"),
        ),
        Index("ix_standing_decisions_decided", "decided_at", "decision", "verdict", "station_id"),
        Index("ix_standing_decisions_station", "station_id", "bundle_id", "decided_at"),
    )

    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), primary_key=True, autoincrement=False)
    up_to_id: Mapped[int] = mapped_column(Id, ForeignKey("dispositions.id"))
    """The newest decision that was looked at."""
    disposition_id: Mapped[int | None] = mapped_column(Id, ForeignKey("dispositions.id"))
    """The one that stands; None, as all that follows from it, where every decision was withdrawn."""
    decision: Mapped[Decision | None] = mapped_column(words(Decision, "decision", 32))
    defect: Mapped[str | None] = mapped_column(String(64))
    reviewer: Mapped[Name | None]
    decided_at: Mapped[datetime | None]
    occasion: Mapped[Occasion | None] = mapped_column(words(Occasion, "occasion", 32))
    is_blind: Mapped[bool]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    lot_id: Mapped[int | None] = mapped_column(Id, ForeignKey("lots.id"))
    bundle_id: Mapped[Name | None]
    verdict: Mapped[Verdict] = mapped_column(VERDICT_TYPE)
    received_at: Mapped[datetime]


class WaitingPart(Record):
    """An inspection in the queue, put here as it is recorded or when it is asked about again; a decision takes it out.

    A table of its own, so that the queue is as fast among a million inspections as among a hundred.
    """

    __tablename__ = "waiting_parts"
    __table_args__ = (
        Index("ix_waiting_parts_order", "rank", "place", "inspection_id"),
        Index("ix_waiting_parts_kind", "kind", "inspection_id"),
    )

    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), primary_key=True, autoincrement=False)
    rank: Mapped[int]
    score: Mapped[float]
    """What its place follows from. Of a blind one drawn by chance, so that the place tells nothing."""
    place: Mapped[float] = mapped_column(Computed("-score", persisted=True))
    """Among those of its rank: an index that runs one way leads to where somebody stands, however far down."""
    kind: Mapped[WaitingKind] = mapped_column(words(WaitingKind, "kind", 32), default=WaitingKind.FLAGGED)
    is_blind: Mapped[bool] = mapped_column(default=False)
    suggested_defect: Mapped[str | None] = mapped_column(String(64), index=True)
    suggested_similarity: Mapped[float | None]

    inspection: Mapped[StoredInspection] = relationship(lazy="raise")


class LeftOff(Record):
    """Where a person last was in the queue: the part they had open, and among which they had asked for."""

    __tablename__ = "left_off"

    reviewer: Mapped[Name] = mapped_column(primary_key=True)
    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"))
    rank: Mapped[int]
    score: Mapped[float]
    """As it waited then: once it is decided, nothing else tells where it stood."""
    wanted: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The fields of the filter."""
    left_at: Mapped[datetime]


class ReviewLease(Record):
    """Who looks at an inspection now. Until it ends, nobody else decides about it."""

    __tablename__ = "review_leases"

    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), primary_key=True, autoincrement=False)
    reviewer: Mapped[Name]
    ends_at: Mapped[datetime]
