"""The audit trail: each record carries the digest of the one before it, so that no edit and no gap stays unseen."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.db.columns import Id, Name, Record, Sha256


class AuditRecord(Record):
    """One entry. `detail` is JSON as text: the bytes that were hashed, whatever a database makes of JSON."""

    __tablename__ = "audit_records"

    sequence: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    recorded_at: Mapped[datetime]
    actor: Mapped[Name]
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(160))
    first_inspection_id: Mapped[int | None] = mapped_column(Id, index=True)
    """Where the record tells of inspections, the least of their ids: the way from an inspection to its record."""
    detail: Mapped[str] = mapped_column(Text)
    previous_sha256: Mapped[Sha256]
    sha256: Mapped[Sha256]
