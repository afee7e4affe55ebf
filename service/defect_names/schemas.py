"""What defect names take and give."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from service.labels import Label, Note
from service.lately import Lately

DefectName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class NameChangeRequest(BaseModel):
    """What was called `old_name` is called `new_name` from now on. Where that name is in use, both become one."""

    model_config = ConfigDict(extra="forbid")

    old_name: DefectName = Field(examples=["scrtch"])
    new_name: DefectName = Field(examples=["scratch"])
    note: Note | None = Field(None, description="Why.", examples=["spelling"])


class NameChangeAnswer(BaseModel):
    """One change, as it was made."""

    id: int = Field(examples=[3])
    old_name: str = Field(examples=["scrtch"])
    new_name: str = Field(examples=["scratch"])
    author: str = Field(examples=["Aiko Tanaka"])
    changed_at: AwareDatetime = Field(examples=["2026-11-23T09:41:03.120884Z"])
    note: str | None = Field(examples=["spelling"])
    taken_back_by: str | None = Field(description="Who has taken it back, if anybody.", examples=[None])
    taken_back_at: AwareDatetime | None = Field(examples=[None])


class NameChangeList(BaseModel):
    """All changes, newest first."""

    items: list[NameChangeAnswer]


class ParetoQuery(BaseModel):
    """Which confirmed defects are counted, and by what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Literal["name", "station", "lot"] = "name"
    name: DefectName | None = Field(None, description="Only of this name, as it is called today.")
    line: Label | None = None
    station: Label | None = None
    lot: Label | None = None
    since: AwareDatetime | None = Field(None, description="Decided then or later.")
    until: AwareDatetime | None = Field(None, description="Decided before.")


class ParetoPageQuery(ParetoQuery):
    """What the page asks for: without an instant, it looks back so many days."""

    days: Lately = Lately.QUARTER

    def to_query(self) -> ParetoQuery:
        """The same with the instant."""
        asked = self.model_dump(exclude={"days"})
        return ParetoQuery.model_validate(asked | {"since": self.since or self.days.since()})


class ParetoBar(BaseModel):
    """One name, station or lot."""

    key: str | None = Field(description="Null for what has none.", examples=["scratch"])
    count: int = Field(examples=[41])
    share: float = Field(examples=[0.41])
    share_up_to_here: float = Field(examples=[0.41])


class ParetoReport(BaseModel):
    """The most frequent first; what has no name, or no lot, last."""

    asked: ParetoQuery
    total: int = Field(examples=[100])
    bars: list[ParetoBar]
