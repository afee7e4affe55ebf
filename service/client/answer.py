"""A verdict as a client reads it. What newer services add is passed over: cameras need no update then."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from inspection.verdict import Verdict


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Limits(_Read):
    """Up to `pass_limit` passes, above `fail_limit` fails, between them is held."""

    pass_limit: float
    fail_limit: float


class Thresholds(_Read):
    """The limits of both scores that the verdict went by."""

    local_score: Limits = Field(alias="local")
    global_score: Limits = Field(alias="global")


class Region(_Read):
    """Where the part stands out, in pixels of the image as it was sent."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int
    area_px: int
    peak_score: float
    suggested_defect: str | None = None


class Links(_Read):
    """Where to find more of the same inspection, on the same host."""

    itself: str = Field(alias="self")
    image: str | None
    heat_map: str | None
    review: str


class Answer(_Read):
    """The machine's verdict of one image. `reason` is open: services learn new ones.

    `was_first` is False where the trigger had a verdict before, which is then this one.
    """

    id: int
    station: str
    part_id: str
    lot: str | None
    trigger_id: str
    captured_at: AwareDatetime | None
    received_at: AwareDatetime
    verdict: Verdict
    reason: str
    detail: str
    local_score: float | None
    global_score: float | None
    part_score: float | None
    thresholds: Thresholds | None
    regions: tuple[Region, ...]
    bundle_id: str | None
    timings_ms: dict[str, JsonValue]
    links: Links
    was_first: bool = True
