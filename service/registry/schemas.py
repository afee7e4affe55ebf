"""What the registry takes and gives."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from service.labels import Note

BundleId = Annotated[str, StringConstraints(pattern=r"^bundle-[0-9a-f]{16}$")]


class PromotionRequest(BaseModel):
    """The bundle that is to be the champion."""

    model_config = ConfigDict(extra="forbid")

    bundle_id: BundleId = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    note: Note | None = Field(None, description="Why.", examples=["night run of 22 November"])


class PromotionAnswer(BaseModel):
    """A promotion as it was stored; the newest names the champion."""

    bundle_id: str = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    author: str = Field(examples=["Aiko Tanaka"])
    promoted_at: AwareDatetime = Field(examples=["2026-11-23T09:41:03.120884Z"])
    note: str | None


class BundleAnswer(BaseModel):
    """A bundle on this machine."""

    bundle_id: str = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    is_loaded: bool = Field(description="Verified, self-tested and ready to judge in this process.")
    is_champion: bool


class BundleList(BaseModel):
    """Bundles of this machine, and the promotions so far, newest first."""

    items: list[BundleAnswer]
    promotions: list[PromotionAnswer]
