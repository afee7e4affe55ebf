"""What shadow takes and gives."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from inspection.verdict import Verdict
from service.labels import Label


class TrialRequest(BaseModel):
    """The challenger that is to score live parts beside the champion, without effect."""

    model_config = ConfigDict(extra="forbid")

    bundle_id: Annotated[str, StringConstraints(pattern=r"^bundle-[0-9a-f]{16}$")] = Field(
        examples=["bundle-0c1f5b7d2e9a4c36"]
    )
    stations: list[Label] = Field(["*"], min_length=1, max_length=100, examples=[["press-*"]])
    sample_rate: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="Which share of the parts it scores.")


class TrialAnswer(BaseModel):
    """One challenger beside one champion."""

    id: int
    bundle_id: str = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    champion_id: str
    stations: list[str]
    sample_rate: float
    author: str
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    ended_by: str | None
    trouble: str | None = Field(description="Why it cannot score, if so.")
    part_count: int = Field(description="Parts that both have scored.")
    flip_count: int = Field(description="Of these, parts with another verdict.")
    champion_right_count: int = Field(description="Flips about which a person's decision proves the champion right.")
    challenger_right_count: int
    dropped_count: int = Field(description="Parts left out, for the champion needed the machine.")
    cpu_share: float = Field(description="Of one core, what the challenger has cost.", examples=[0.04])


class TrialList(BaseModel):
    """The newest first."""

    items: list[TrialAnswer]


class FlipAnswer(BaseModel):
    """A part whose verdict would be another one."""

    inspection_id: int
    champion: Verdict
    challenger: Verdict
    apart: float = Field(description="How far both part scores lie apart, in widths of hold bands.")
    decision: str | None = Field(description="What a person has decided about the part.")


class FlipList(BaseModel):
    """The most different first."""

    items: list[FlipAnswer]
