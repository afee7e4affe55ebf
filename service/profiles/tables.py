"""Versions of station profiles. Rows are only ever added: the highest version of a station is in force."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.columns import Id, Key, Name, Record
from service.db.tables import Station


class ProfileVersion(Record):
    """One version: what, who, when and why."""

    __tablename__ = "station_profiles"
    __table_args__ = (UniqueConstraint("station_id", "version"),)

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    version: Mapped[int]
    author: Mapped[Name]
    created_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)
    profile: Mapped[dict[str, Any]] = mapped_column(JSON)

    station: Mapped[Station] = relationship(lazy="raise")
