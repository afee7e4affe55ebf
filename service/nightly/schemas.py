"""What nights take and give."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from service.labels import Label, Note
from service.nightly.tables import NightState, Reason

InspectionNumber = Annotated[int, Field(ge=1, le=2**63 - 1, examples=[381])]
NightName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,127}$", examples=["line-2026-11-23"])]
DefectName = Annotated[Label, Field(max_length=64, examples=["dent"])]


class NightRequest(BaseModel):
    """A night that somebody wants now."""

    model_config = ConfigDict(extra="forbid")

    line: Label | None = Field(None, description="Which line, where the plan has several.", examples=["flanges"])
    minutes: Annotated[float, Field(ge=0.05, le=24 * 60)] | None = Field(None, description="Default: the plan's.")


class NightAnswer(BaseModel):
    """A night, and how it came out so far."""

    name: str = Field(examples=["line-2026-11-23"])
    line: str
    asked_by: str
    asked_at: AwareDatetime
    began_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    minutes: float
    state: NightState
    reason: Reason | None = Field(description="Why the champion was kept.")
    detail: str
    champion_id: str | None
    challenger_id: str | None
    figures: dict[str, Any] = Field(description="Sizes of data, AUROC on the golden set, escapes and overkill of both.")


class NightList(BaseModel):
    """Nights, the newest first."""

    items: list[NightAnswer]


class WordRequest(BaseModel):
    """An engineer's word on a challenger that waits for it."""

    model_config = ConfigDict(extra="forbid")

    night: NightName
    word: Literal["promote", "decline"]
    note: Note | None = Field(None, description="Why.")


class GoldenRequest(BaseModel):
    """A part whose truth is settled comes into the golden set, or is given another truth there."""

    model_config = ConfigDict(extra="forbid")

    inspection_id: InspectionNumber
    truth: Literal["as_decided", "good", "defect"] = Field(
        "as_decided", description="By what people decided of it, or by the caller's word."
    )
    defect: DefectName | None = Field(None, description="With the truth `defect`: what it is called.")
    note: Note | None = None


class GoldenRemovalRequest(BaseModel):
    """A part leaves the golden set."""

    model_config = ConfigDict(extra="forbid")

    inspection_id: InspectionNumber
    note: Note | None = None


class GoldenPartAnswer(BaseModel):
    """A golden part; `defect` is null for a good one."""

    inspection_id: int
    image_sha256: str
    defect: str | None
    author: str
    changed_at: AwareDatetime
    note: str | None


class GoldenAnswer(BaseModel):
    """The golden set, named by its digest."""

    sha256: str
    flagged_good_count: int = Field(
        description="Good parts that a model had flagged when they came: many of them make every rate too high."
    )
    items: list[GoldenPartAnswer]


class KeptOutRequest(BaseModel):
    """A picture that no night may learn from, or may learn from again."""

    model_config = ConfigDict(extra="forbid")

    inspection_id: InspectionNumber
    kept_out: bool = True
    why: Note


class KeptOutAnswer(BaseModel):
    """A picture that is kept out of training."""

    inspection_id: int
    image_sha256: str
    why: str
    author: str
    changed_at: AwareDatetime


class KeptOutList(BaseModel):
    """All that stand, the newest first."""

    items: list[KeptOutAnswer]
