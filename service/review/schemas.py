"""What review takes and gives."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from service.review.tables import Decision

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]


class DispositionRequest(BaseModel):
    """A person's decision; whose, says the session."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision = Field(examples=["confirmed_defect"])
    note: Note | None = Field(None, description="Anything the next person should know.", examples=["scratch, 4 mm"])


class DispositionAnswer(BaseModel):
    """A decision as it was stored. It never changes; a later one of the same inspection takes its place."""

    id: int = Field(examples=[12])
    inspection_id: int = Field(examples=[381])
    decision: Decision
    reviewer: str
    decided_at: AwareDatetime = Field(examples=["2026-11-23T09:41:03.120884Z"])
    note: str | None


class DispositionList(BaseModel):
    """All decisions of one inspection, oldest first; the last one counts."""

    items: list[DispositionAnswer]


class VerdictCounts(BaseModel):
    """Inspections by verdict."""

    PASS: int = Field(examples=[1180])
    HOLD: int = Field(examples=[31])
    FAIL: int = Field(examples=[12])


class DispositionCounts(BaseModel):
    """Inspections by the decision that counts."""

    confirmed_defect: int = Field(examples=[20])
    false_alarm: int = Field(examples=[9])
    unclear: int = Field(examples=[2])


class Summary(BaseModel):
    """What is stored."""

    stored: int = Field(description="All inspections.", examples=[1223])
    verdicts: VerdictCounts
    dispositions: DispositionCounts
    undecided: int = Field(description="Held or failed, and not decided by a person.", examples=[12])
