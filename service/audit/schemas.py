"""What the trail gives."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, Field


class AuditRecordAnswer(BaseModel):
    """One record, with what anyone needs to make its digest again."""

    sequence: int = Field(examples=[381])
    recorded_at: AwareDatetime
    actor: str = Field(examples=["Aiko Tanaka"])
    action: str = Field(examples=["disposition"])
    subject: str = Field(examples=["inspection 381"])
    first_inspection_id: int | None
    detail: dict[str, Any]
    previous_sha256: str
    sha256: str


class AuditPage(BaseModel):
    """Some records, newest first."""

    items: list[AuditRecordAnswer]
    next_cursor: int | None = Field(description="Give it back as `below` for the next page; none at the end.")
