"""What goes out to the plant, and what comes in."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from inspection.verdict import Reason, Verdict
from service.labels import Label


class VerdictMessage(BaseModel):
    """One verdict as the plant's systems get it. The verdict on record never changes, and neither does its message."""

    message_id: str = Field(
        description="The same at every attempt: whoever has seen it need not act again.",
        examples=["8f14e45fceea467ea5d3c1b6c7e2f0aa"],
    )
    station: str = Field(examples=["press-3"])
    sequence: int = Field(description="1, 2, 3, ... of its station, without a gap.", examples=[381])
    recorded_at: AwareDatetime = Field(examples=["2026-11-23T09:30:12.604411Z"])
    part_id: str = Field(examples=["KN-40-000381"])
    lot: str | None = Field(examples=["L2611-07"])
    part_number: str | None = Field(
        description="What the line said is made at that station when the image was taken.", examples=["KN-40"]
    )
    trigger_id: str = Field(examples=["2026-11-23/000381"])
    captured_at: AwareDatetime | None = Field(examples=["2026-11-23T09:30:12.480000Z"])
    verdict: Verdict = Field(examples=["HOLD"])
    reason: Reason = Field(examples=["local_score_in_hold_band"])
    part_score: float | None = Field(examples=[1.52])
    local_score: float | None = Field(examples=[0.83])
    global_score: float | None = Field(examples=[0.31])
    inspection_id: int = Field(examples=[381])
    bundle_id: str | None = Field(examples=["bundle-0c1f5b7d2e9a4c36"])


class OutboxPage(BaseModel):
    """Messages of one station in the order of their numbers."""

    items: list[VerdictMessage]
    newest_sequence: int = Field(description="Of that station; 0 before its first verdict.", examples=[381])


class AnnouncementRequest(BaseModel):
    """What stands before a camera from now on."""

    model_config = ConfigDict(extra="forbid")

    station: Label = Field(examples=["press-3"])
    lot: Label | None = Field(None, description="Parts that name no lot belong to it.", examples=["L2611-07"])
    part_number: Label | None = Field(None, description="What is made.", examples=["KN-40"])
    announced_at: AwareDatetime | None = Field(None, description="From when on; without it, from now on.")

    @model_validator(mode="after")
    def _says_something(self) -> "AnnouncementRequest":
        if self.lot is None and self.part_number is None:
            raise ValueError("names neither a lot nor a part number")
        return self


class AnnouncementAnswer(BaseModel):
    """As it was recorded; what it left out is as before."""

    station: str = Field(examples=["press-3"])
    lot: str | None = Field(examples=["L2611-07"])
    part_number: str | None = Field(examples=["KN-40"])
    announced_at: AwareDatetime


class ReceiverAnswer(BaseModel):
    """How far one receiver has been told."""

    name: str = Field(examples=["mes"])
    waiting_count: int = Field(description="Messages it has not taken yet.", examples=[0])
    waiting_since: AwareDatetime | None
    seen_at: AwareDatetime | None = Field(description="When it was last reached.")
    failure: str | None = Field(examples=["nothing answers at its address"])


class ReceiverList(BaseModel):
    """Everybody who is told."""

    items: list[ReceiverAnswer]
    sender: str | None = Field(description="Which process sends now; none means that nothing goes out.")


Above = Annotated[int, Field(ge=0, le=2**62)]
