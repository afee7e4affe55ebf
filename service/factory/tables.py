"""The outbox: what the plant is to be told, kept until all of it is told; and what the plant has told us."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db.columns import Id, Key, Name, Record


class OutboxMessage(Record):
    """One verdict on its way out, put here in the transaction that records it."""

    __tablename__ = "outbox_messages"
    __table_args__ = (UniqueConstraint("station_id", "sequence"),)

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    sequence: Mapped[int] = mapped_column(Id)
    """1, 2, 3, ... of its station, without a gap, in the order of the record."""
    message_id: Mapped[str] = mapped_column(String(32))
    """The same at every attempt: a receiver that has seen it need not act again."""
    recorded_at: Mapped[datetime] = mapped_column(index=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class OutboxSequence(Record):
    """The highest sequence number of each station; its row is locked until the verdict is committed."""

    __tablename__ = "outbox_sequences"

    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"), primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(Id)


class OutboxReceiver(Record):
    """Somebody who is told, and how that goes."""

    __tablename__ = "outbox_receivers"

    id: Mapped[Key]
    name: Mapped[Name] = mapped_column(unique=True)
    seen_at: Mapped[datetime | None]
    """When it last took something, or was reached."""
    failing_since: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)


class OutboxCursor(Record):
    """How far a receiver has been told of a station: the sequence number it took last."""

    __tablename__ = "outbox_cursors"

    receiver_id: Mapped[int] = mapped_column(
        Id, ForeignKey("outbox_receivers.id"), primary_key=True, autoincrement=False
    )
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"), primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(Id)


class SenderLease(Record):
    """Who sends. One row: two senders would break the order."""

    __tablename__ = "outbox_senders"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    holder: Mapped[Name]
    ends_at: Mapped[datetime]


class Announcement(Record):
    """What the line says stands before a camera, from that moment on. Rows are only ever added."""

    __tablename__ = "line_announcements"
    __table_args__ = (Index("ix_line_announcements_station", "station_id", "announced_at"),)

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    announced_at: Mapped[datetime]
    lot: Mapped[str | None] = mapped_column(String(128))
    part_number: Mapped[str | None] = mapped_column(String(128))
    source: Mapped[Name]
    """Which way it came in."""
