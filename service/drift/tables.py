"""What is known of each station's scores, block by block, and the alarms that were raised."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.columns import Id, Key, Name, Record, words
from service.db.tables import Station


class DriftKind(StrEnum):
    """What has moved."""

    GLOBAL = "global"
    """The whole view: camera, light, focus, pose."""
    LOCAL = "local"
    """Regions of the part, the view as ever: the product or the process."""


class DriftWatch(Record):
    """What is known of a station, under the bundle and the profile that its parts are judged by."""

    __tablename__ = "drift_watches"

    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"), primary_key=True, autoincrement=False)
    bundle_id: Mapped[Name]
    profile_version: Mapped[int]
    up_to_id: Mapped[int] = mapped_column(Id)
    """The last inspection that was looked at."""
    state: Mapped[dict[str, Any]] = mapped_column(JSON)

    station: Mapped[Station] = relationship(lazy="raise")


class DriftPoint(Record):
    """One block of parts: the medians of both scores, and where both EWMAs stood."""

    __tablename__ = "drift_points"
    __table_args__ = (Index("ix_drift_points_station", "station_id", "id"),)

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    first_inspection_id: Mapped[int] = mapped_column(Id)
    ended_at: Mapped[datetime]
    lot: Mapped[Name]
    local_median: Mapped[float]
    global_median: Mapped[float]
    local_ewma: Mapped[float]
    global_ewma: Mapped[float]


class DriftAlarm(Record):
    """Scores of a station have moved. It stands until somebody ends it, or the station is judged by something else."""

    __tablename__ = "drift_alarms"
    __table_args__ = (Index("ix_drift_alarms_station", "station_id", "ended_at"),)

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    kind: Mapped[DriftKind] = mapped_column(words(DriftKind, "kind", 8))
    bundle_id: Mapped[Name]
    profile_version: Mapped[int]
    since_inspection_id: Mapped[int] = mapped_column(Id)
    noticed_inspection_id: Mapped[int] = mapped_column(Id)
    noticed_at: Mapped[datetime]
    ewma: Mapped[float]
    """How far it had gone, in deviations of what is usual here; negative where scores fell."""
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(128))
    note: Mapped[str | None] = mapped_column(Text)

    station: Mapped[Station] = relationship(lazy="raise")
