"""The record that every feature reads: stations, lots, parts and their inspections. Intake alone writes it.

What one feature keeps for itself lies in its own `tables`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inspection.verdict import Verdict
from service.db.columns import Id, Key, Name, Record, Sha256, words

VERDICT_TYPE = words(Verdict, "verdict", 8)


class Station(Record):
    """A place on a line with a camera, created when it is first heard of."""

    __tablename__ = "stations"

    id: Mapped[Key]
    name: Mapped[Name] = mapped_column(unique=True)
    first_seen_at: Mapped[datetime]


class Lot(Record):
    """Parts made together, created when the first of them is inspected."""

    __tablename__ = "lots"

    id: Mapped[Key]
    name: Mapped[Name] = mapped_column(unique=True)
    first_seen_at: Mapped[datetime]


class Part(Record):
    """A piece; `name` is the part id that the line gives it. It may be inspected more than once."""

    __tablename__ = "parts"

    id: Mapped[Key]
    name: Mapped[Name] = mapped_column(unique=True)
    first_seen_at: Mapped[datetime]


class StoredInspection(Record):
    """What the machine said of one image, with the limits it went by. Never changed once written."""

    __tablename__ = "inspections"
    __table_args__ = (
        UniqueConstraint("station_id", "trigger_id", "image_number"),
        Index("ix_inspections_flagged", "verdict", "part_score", "id"),
        Index("ix_inspections_captured", "station_id", "captured_at"),
        Index("ix_inspections_station", "station_id", "id"),
    )

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    part_id: Mapped[int] = mapped_column(Id, ForeignKey("parts.id"), index=True)
    lot_id: Mapped[int | None] = mapped_column(Id, ForeignKey("lots.id"), index=True)
    trigger_id: Mapped[Name]
    image_number: Mapped[int]
    """1, or where a trigger took several images of the part, which of them."""
    captured_at: Mapped[datetime | None]
    received_at: Mapped[datetime] = mapped_column(index=True)
    arrived_late: Mapped[bool]
    arrived_out_of_order: Mapped[bool]

    verdict: Mapped[Verdict] = mapped_column(VERDICT_TYPE)
    reason: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(Text)
    local_score: Mapped[float | None]
    global_score: Mapped[float | None]
    part_score: Mapped[float | None]
    local_pass_limit: Mapped[float | None]
    local_fail_limit: Mapped[float | None]
    global_pass_limit: Mapped[float | None]
    global_fail_limit: Mapped[float | None]
    regions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    bundle_id: Mapped[Name | None]
    profile_version: Mapped[int]
    """Of the station's profile; 0 where it had none and ran the champion as it was calibrated."""
    crop: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The box that was judged; None for the whole image."""

    image_sha256: Mapped[Sha256 | None] = mapped_column(index=True)
    """None where the image store did not take it; the verdict is HOLD then."""
    heat_map_sha256: Mapped[Sha256 | None] = mapped_column(index=True)
    images_removed_at: Mapped[datetime | None]
    """When retention took image and heat map away; the verdict stays."""
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    timings_ms: Mapped[dict[str, float]] = mapped_column(JSON)

    station: Mapped[Station] = relationship(lazy="raise")
    part: Mapped[Part] = relationship(lazy="raise")
    lot: Mapped[Lot | None] = relationship(lazy="raise")
