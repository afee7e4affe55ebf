"""What intake takes and gives."""

from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from inspection.verdict import Reason, Verdict
from service.labels import Label


class Trigger(BaseModel):
    """Which part stood before which camera, and when. `station` and `trigger_id` together name the inspection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    station: Label = Field(description="The station's name.", examples=["press-3"])
    part_id: Label = Field(description="The part's own id.", examples=["KN-40-000381"])
    trigger_id: Label = Field(
        description="The camera's own count. The same station and trigger id always give back the same, first verdict.",
        examples=["2026-11-23/000381"],
    )
    lot: Label | None = Field(None, description="The lot the part belongs to.", examples=["L2611-07"])
    captured_at: AwareDatetime | None = Field(
        None, description="When the image was taken, with its offset from UTC.", examples=["2026-11-23T09:30:12.480Z"]
    )

    @field_validator("captured_at")
    @classmethod
    def _to_utc(cls, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise ValueError("lies outside of the calendar") from None


class LimitsAnswer(BaseModel):
    """Up to `pass_limit` passes, above `fail_limit` fails, between them is held."""

    pass_limit: float = Field(examples=[0.71])
    fail_limit: float = Field(examples=[0.94])


class ThresholdsAnswer(BaseModel):
    """The limits of both scores that the verdict went by."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    local_score: LimitsAnswer = Field(alias="local")
    global_score: LimitsAnswer = Field(alias="global")


class RegionAnswer(BaseModel):
    """Where the part stands out, in pixels of the image as it was sent; strongest first."""

    x_px: int = Field(examples=[412])
    y_px: int = Field(examples=[230])
    width_px: int = Field(examples=[38])
    height_px: int = Field(examples=[12])
    area_px: int = Field(description="Pixels above the pass limit within the box.", examples=[291])
    peak_score: float = Field(examples=[1.32])
    suggested_defect: str | None = Field(
        None, description="A name for the defect, once the station has examples of it."
    )


class BoxAnswer(BaseModel):
    """A box in pixels of the image as it was sent."""

    x_px: int = Field(examples=[64])
    y_px: int = Field(examples=[0])
    width_px: int = Field(examples=[512])
    height_px: int = Field(examples=[480])


class Links(BaseModel):
    """Where to find more of the same inspection."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    itself: str = Field(alias="self", examples=["/api/v1/inspections/381"])
    image: str | None = Field(
        description="None where the image store did not take it.", examples=["/api/v1/inspections/381/image"]
    )
    heat_map: str | None = Field(
        description="None where the image could not be scored.", examples=["/api/v1/inspections/381/heat-map"]
    )
    review: str = Field(examples=["/review/381"])


class InspectionAnswer(BaseModel):
    """The machine's verdict of one image. It never changes; what a person decides of it is a disposition."""

    id: int = Field(examples=[381])
    station: str = Field(examples=["press-3"])
    part_id: str = Field(examples=["KN-40-000381"])
    lot: str | None = Field(examples=["L2611-07"])
    trigger_id: str = Field(examples=["2026-11-23/000381"])
    captured_at: AwareDatetime | None = Field(examples=["2026-11-23T09:30:12.480000Z"])
    received_at: AwareDatetime = Field(examples=["2026-11-23T09:30:12.513206Z"])
    image_number: int = Field(description="Which of the images of its trigger, from 1.", examples=[1])
    arrived_late: bool = Field(description="Long after it was taken: from a camera's backlog, or its clock is wrong.")
    arrived_out_of_order: bool = Field(description="Taken before another image that the station had sent already.")
    verdict: Verdict = Field(examples=["HOLD"])
    reason: Reason = Field(examples=["local_score_in_hold_band"])
    detail: str = Field(description="One sentence for a person.")
    local_score: float | None = Field(description="How unusual the most unusual region is.", examples=[0.83])
    global_score: float | None = Field(description="How unusual the whole view is.", examples=[0.31])
    part_score: float | None = Field(
        description="The larger of both in widths of their hold bands: 1 is the pass limit, 2 the fail limit.",
        examples=[1.52],
    )
    thresholds: ThresholdsAnswer | None = Field(description="None where there was no model to judge with.")
    regions: list[RegionAnswer]
    bundle_id: str | None = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    profile_version: int = Field(
        description="Of the station's profile; 0 is the champion as it was calibrated.", examples=[4]
    )
    crop: BoxAnswer | None = Field(description="What was judged, and what the heat map covers; None is all of it.")
    timings_ms: dict[str, float] = Field(
        examples=[{"decode": 4.1, "preprocess": 1.2, "waiting": 0.4, "inference": 11.8}]
    )
    links: Links


class PartAnswer(BaseModel):
    """One verdict for a part, however many images there are of it: the worst decides."""

    part_id: str = Field(examples=["KN-40-000381"])
    verdict: Verdict = Field(examples=["HOLD"])
    reason: Reason = Field(examples=["local_score_in_hold_band"])
    detail: str
    decided_by: int = Field(description="The inspection whose verdict this is.", examples=[382])
    inspections: list[InspectionAnswer]


class InspectionPage(BaseModel):
    """Some inspections, newest first."""

    items: list[InspectionAnswer]
    next_cursor: str | None = Field(description="Give it back as `cursor` for the next page; none at the end.")
