"""What profiles take and give."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from inspection.profile import StationProfile
from service.labels import Label, Note


class ProfileRequest(BaseModel):
    """A new version of a station's profile."""

    model_config = ConfigDict(extra="forbid")

    station: Label = Field(examples=["press-3"])
    profile: StationProfile = Field(examples=[{"hold_band_scale": 1.5, "quality": {"min_sharpness": 40}}])
    note: Note | None = Field(None, description="Why.", examples=["new lens"])
    based_on: Annotated[int, Field(ge=0)] | None = Field(
        None, description="The version it was made from: refused where another one has come since.", examples=[3]
    )


class ProfileAnswer(BaseModel):
    """A version as it was stored. It never changes; the highest of a station is in force."""

    station: str = Field(examples=["press-3"])
    version: int = Field(examples=[4])
    author: str = Field(examples=["Aiko Tanaka"])
    created_at: AwareDatetime = Field(examples=["2026-11-23T09:41:03.120884Z"])
    note: str | None = Field(examples=["new lens"])
    profile: StationProfile


class FollowRequest(BaseModel):
    """A station that stayed with one bundle shall run the champion again."""

    model_config = ConfigDict(extra="forbid")

    station: Label = Field(examples=["press-3"])
    note: Note | None = Field(None, description="Why.", examples=["the new model is proven there too"])
    based_on: Annotated[int, Field(ge=1)] | None = Field(
        None, description="The version that was looked at: refused where another one has come since.", examples=[3]
    )


class ProfileList(BaseModel):
    """Versions, the highest first."""

    items: list[ProfileAnswer]
