"""Promotions, of which the newest names the champion; anchors; where bundles come from; parts scored again."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inspection.verdict import Verdict
from service.db.columns import Id, Key, Name, Record, Sha256
from service.db.tables import VERDICT_TYPE, StoredInspection


class Promotion(Record):
    """A bundle became the champion: by whom, when and why. Rows are only ever added."""

    __tablename__ = "promotions"

    id: Mapped[Key]
    bundle_id: Mapped[Name]
    line: Mapped[Name | None]
    """Of which line; None is the whole plant."""
    author: Mapped[Name]
    promoted_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)


class Anchor(Record):
    """A bundle that every challenger is compared with besides the champion. The newest row of a line counts."""

    __tablename__ = "anchors"

    id: Mapped[Key]
    bundle_id: Mapped[Name]
    line: Mapped[Name | None]
    """Of which line; None is the whole plant."""
    author: Mapped[Name]
    chosen_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)


class BundleLineage(Record):
    """Where a bundle of a night comes from. Who approved it stands in its promotion."""

    __tablename__ = "bundle_lineages"

    id: Mapped[Key]
    bundle_id: Mapped[Name] = mapped_column(unique=True)
    parent_id: Mapped[Name | None]
    night: Mapped[Name | None]
    recorded_at: Mapped[datetime]
    images_sha256: Mapped[Sha256]
    """Names the set of pictures it learned from; the night's folder lists them."""
    image_count: Mapped[int]
    recipe: Mapped[str] = mapped_column(Text)
    teacher: Mapped[str | None] = mapped_column(Text)
    """Its pretraining run, from which a further night goes on."""
    gate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The gate's report."""


class RescoredPart(Record):
    """What another bundle says of a part that is on record; the verdict of the record stays."""

    __tablename__ = "rescored_parts"
    __table_args__ = (UniqueConstraint("inspection_id", "bundle_id"),)

    id: Mapped[Key]
    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"))
    bundle_id: Mapped[Name]
    verdict: Mapped[Verdict] = mapped_column(VERDICT_TYPE)
    part_score: Mapped[float | None]
    rescored_at: Mapped[datetime]

    inspection: Mapped[StoredInspection] = relationship(lazy="raise")
