"""What spot checks take and give."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from service.labels import Label


class CheckScope(BaseModel):
    """Which inspections are asked about; an empty one asks for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: Label | None = None
    station: Label | None = None
    lot: Label | None = None
    bundle_id: Label | None = None
    since: AwareDatetime | None = Field(None, description="Received then or later.")
    until: AwareDatetime | None = Field(None, description="Received before.")
