"""What review takes and gives."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from service.review.tables import Decision, Occasion

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]

DefectName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]
_Pixels = Annotated[int, Field(ge=0, le=1_000_000)]


class DrawnBox(BaseModel):
    """Where a person saw the defect, in pixels of the image as it was sent."""

    model_config = ConfigDict(extra="forbid")

    x_px: _Pixels = Field(examples=[412])
    y_px: _Pixels = Field(examples=[230])
    width_px: Annotated[int, Field(ge=1, le=1_000_000)] = Field(examples=[38])
    height_px: Annotated[int, Field(ge=1, le=1_000_000)] = Field(examples=[12])


class Marks(BaseModel):
    """What a person drew and erased. The machine's own regions stay as they are on record."""

    model_config = ConfigDict(extra="forbid")

    drawn: Annotated[list[DrawnBox], Field(max_length=64)] = []
    erased: Annotated[list[Annotated[int, Field(ge=1, le=1000)]], Field(max_length=1000)] = Field(
        [], description="Numbers of the machine's regions, from 1, that are none.", examples=[[2]]
    )


class DispositionRequest(BaseModel):
    """A person's decision; whose, says the session."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision = Field(examples=["confirmed_defect"])
    note: Note | None = Field(None, description="Anything the next person should know.", examples=["scratch, 4 mm"])
    defect: DefectName | None = Field(
        None, description="What the defect is called; only with `confirmed_defect`.", examples=["scratch"]
    )
    marks: Marks | None = None
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

    waiting: int = Field(description="10 001 stands for more than 10 000.", examples=[12])


class DispositionAnswer(BaseModel):
    """A decision as it was stored. It never changes; a later one of the same inspection takes its place."""

    id: int = Field(examples=[12])
    inspection_id: int = Field(examples=[381])
    decision: Decision
    reviewer: str
    decided_at: AwareDatetime = Field(examples=["2026-11-23T09:41:03.120884Z"])
    note: str | None
    defect: str | None = Field(None, description="The name as it was given then.")
    occasion: Occasion = Field(
        Occasion.FIRST, description="A repeat is an opinion beside the decision that counts, and never takes its place."
    )
    is_blind: bool = Field(False, description="Decided from the picture alone, without the machine's verdict.")
    settles: list[int] = Field(
        [], description="Of a second opinion: the decisions that it was asked about, by their ids."
    )
    withdraws: int | None = Field(None, description="Of a withdrawal: the decision that is taken back.")
    marks: Marks | None = None


class DispositionList(BaseModel):
    """All decisions of one inspection, oldest first; the last one counts."""

    items: list[DispositionAnswer]


class ManyItem(BaseModel):
    """One of them, with the decision that was seen to stand."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[int, Field(ge=1, le=2**63 - 1)] = Field(examples=[381])
    replaces: int | None = Field(None, description="As of a single decision.")


class ManyRequest(BaseModel):
    """One decision about several inspections."""

    model_config = ConfigDict(extra="forbid")

    inspections: Annotated[list[ManyItem], Field(min_length=1, max_length=500)]
    decision: Decision
    defect: DefectName | None = None

    @model_validator(mode="after")
    def _name_only_a_defect(self) -> Self:
        if self.defect is not None and self.decision is not Decision.CONFIRMED_DEFECT:
            raise ValueError("defect: only a confirmed defect has a name")
        return self


class Refusal(BaseModel):
    """An inspection that was not decided, and why."""

    inspection_id: int = Field(examples=[381])
    problem: str = Field(examples=["inspection 381: Aiko Tanaka is looking at it"])


class ManyAnswer(BaseModel):
    """What was stored, and what was not."""

    stored: list[DispositionAnswer]
    refused: list[Refusal]


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
    """What is stored, or what of it came lately."""

    stored: int = Field(description="All inspections.", examples=[1223])
    verdicts: VerdictCounts
    dispositions: DispositionCounts
    undecided: int = Field(description="Held or failed, and not decided by a person.", examples=[12])
    second_opinions: int = Field(description="Decided, and waiting for another person's opinion.", examples=[1])
