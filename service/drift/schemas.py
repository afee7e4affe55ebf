"""What drift takes and gives."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from service.drift.tables import DriftKind
from service.labels import Note


class StationDrift(BaseModel):
    """How one station does."""

    station: str = Field(examples=["press-3"])
    bundle_id: str = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    profile_version: int
    is_learning: bool = Field(description="Too few parts have come to compare anything with.")
    global_ewma: float = Field(description="How far the whole view has gone, in deviations of what is usual here.")
    local_ewma: float = Field(description="The same of the most unusual region.")
    global_evidence: float = Field(description="The alarm is at 1.", ge=0, le=1)
    local_evidence: float = Field(ge=0, le=1)


class DriftAlarmAnswer(BaseModel):
    """Scores of a station have moved as a whole."""

    id: int
    station: str = Field(examples=["press-3"])
    kind: DriftKind = Field(description="global: camera, light, focus or pose. local: the product or the process.")
    bundle_id: str = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    since_inspection_id: int = Field(description="The first part that is counted as moved, give or take a block.")
    noticed_at: AwareDatetime
    ewma: float = Field(description="Negative where scores fell.", examples=[2.7])
    ended_at: AwareDatetime | None
    ended_by: str | None
    note: str | None


class DriftAnswer(BaseModel):
    """Every station that has been looked at, and the alarms: those that stand first."""

    stations: list[StationDrift]
    alarms: list[DriftAlarmAnswer]


class DriftEndRequest(BaseModel):
    """Why the station is as it should be."""

    model_config = ConfigDict(extra="forbid")

    note: Note = Field(examples=["lamp replaced, pictures compared: as before"])
