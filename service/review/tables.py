"""What a person decided. Rows are only ever added: the latest of an inspection counts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.columns import Id, Key, Name, Record
from service.db.tables import StoredInspection


class Decision(StrEnum):
    """A person's answer to a flagged part."""

    CONFIRMED_DEFECT = "confirmed_defect"
    FALSE_ALARM = "false_alarm"
    UNCLEAR = "unclear"


class Disposition(Record):
    """One decision: what, who, when. It never edits the verdict."""

    __tablename__ = "dispositions"

    id: Mapped[Key]
    inspection_id: Mapped[int] = mapped_column(Id, ForeignKey("inspections.id"), index=True)
    decision: Mapped[Decision] = mapped_column(
        Enum(
            Decision,
            native_enum=False,
            length=32,
            create_constraint=True,
            name="decision",
            values_callable=lambda decisions: [decision.value for decision in decisions],
        )
    )
    reviewer: Mapped[Name]
    decided_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)

    inspection: Mapped[StoredInspection] = relationship(lazy="raise")
