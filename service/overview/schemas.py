"""What the overview says."""

from pydantic import AwareDatetime, BaseModel, Field

from inspection.verdict import Verdict
from service.challenge.operations import Standing
from service.drift.operations import DriftKind


class LatestAnswer(BaseModel):
    """The newest inspection of a station."""

    inspection_id: int
    verdict: Verdict
    received_at: AwareDatetime


class DriftNow(BaseModel):
    """A station's scores have moved as a whole."""

    alarm_id: int
    kind: DriftKind
    since_inspection_id: int


class StationNow(BaseModel):
    """One station in this shift."""

    station: str = Field(examples=["press-3"])
    bundle_id: str | None = Field(description="What it runs; none where that is not here.")
    profile_version: int
    pass_count: int
    hold_count: int
    fail_count: int
    yield_rate: float | None = Field(description="Passed over inspected; none where nothing was.")
    latest: LatestAnswer | None
    challenge: Standing
    drift: DriftNow | None = Field(description="The alarm of drift that stands there, if one does.")
    is_silent: bool = Field(description="It sent something in this shift, but nothing in the last minutes.")

    @property
    def total(self) -> int:
        return self.pass_count + self.hold_count + self.fail_count


class AlarmNow(BaseModel):
    """One that stands."""

    name: str
    detail: str


class Overview(BaseModel):
    """The whole line."""

    at: AwareDatetime
    shift_start: AwareDatetime
    shift_end: AwareDatetime
    stations: list[StationNow]
    yield_rate: float | None
    inspected_count: int
    held_waiting_count: int
    oldest_held_at: AwareDatetime | None
    bundle_id: str = Field(description="The champion.")
    promoted_at: AwareDatetime | None
    alarms: list[AlarmNow]
    is_behind: bool = Field(description="Older inspections are still being counted: the counts are too low.")
