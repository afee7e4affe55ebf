"""What defect names take and give."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from service.labels import Note

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
