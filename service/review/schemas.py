"""What review takes and gives."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from service.review.tables import Decision

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]


DefectName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class DispositionRequest(BaseModel):
    """A person's decision; whose, says the session."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision = Field(examples=["confirmed_defect"])
    note: Note | None = Field(None, description="Anything the next person should know.", examples=["scratch, 4 mm"])
    defect: DefectName | None = Field(
        None, description="What the defect is called; only with `confirmed_defect`.", examples=["scratch"]
    )
    replaces: int | None = Field(
        None,
        description="The id of the decision that was seen to stand, null for none. Where it is given, 409 is the "
        "answer when another stands by now.",
    )

    @model_validator(mode="after")
    def _name_only_a_defect(self) -> Self:
        if self.defect is not None and self.decision is not Decision.CONFIRMED_DEFECT:
            raise ValueError("defect: only a confirmed defect has a name")
        return self


class LeaseAnswer(BaseModel):
    """Who looks at the part now."""

    holder: str = Field(examples=["Aiko Tanaka"])
    is_mine: bool


class WaitingCount(BaseModel):
    """How many parts wait for a decision."""

    waiting: int = Field(examples=[12])


class DispositionAnswer(BaseModel):
    """A decision as it was stored. It never changes; a later one of the same inspection takes its place."""

    id: int = Field(examples=[12])
    inspection_id: int = Field(examples=[381])
    decision: Decision
    reviewer: str
    decided_at: AwareDatetime = Field(examples=["2026-11-23T09:41:03.120884Z"])
    note: str | None
    defect: str | None = None


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
