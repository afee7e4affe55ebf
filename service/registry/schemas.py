"""What the registry takes and gives."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from service.labels import Label, Note

LineName = Label
BundleId = Annotated[str, StringConstraints(pattern=r"^bundle-[0-9a-f]{16}$")]


class PromotionRequest(BaseModel):
    """The bundle that is to be the champion."""

    model_config = ConfigDict(extra="forbid")

    bundle_id: BundleId = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    line: LineName | None = Field(None, description="For this line of the plan of nights only; else for all.")
    note: Note | None = Field(None, description="Why.", examples=["night run of 22 November"])


class PromotionAnswer(BaseModel):
    """A promotion as it was stored; the newest names the champion."""

    bundle_id: str = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    line: str | None = Field(description="The line that it was promoted for; null is the whole plant.")
    author: str = Field(examples=["Aiko Tanaka"])
    promoted_at: AwareDatetime = Field(examples=["2026-11-23T09:41:03.120884Z"])
    note: str | None


class RollbackRequest(BaseModel):
    """The champion before comes back."""

    model_config = ConfigDict(extra="forbid")

    line: LineName | None = Field(None, description="Of this line of the plan of nights; else of the plant.")
    from_id: BundleId | None = Field(None, description="Refused where another one is the champion by now.")
    note: Note | None = Field(None, description="Why.", examples=["more false alarms since this morning"])


class RollbackAnswer(PromotionAnswer):
    """The champion that is back, and how long that took."""

    took_ms: float = Field(
        description="From the request until every image that came was judged by it.", examples=[31.4]
    )


class AnchorRequest(BaseModel):
    """The bundle that every challenger is compared with besides the champion."""

    model_config = ConfigDict(extra="forbid")

    bundle_id: BundleId = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    line: LineName | None = Field(None, description="Of this line of the plan of nights; else of the plant.")
    note: Note | None = Field(None, description="Why.", examples=["the new metal is normal from now on"])


class AnchorAnswer(BaseModel):
    """The anchor as it was chosen."""

    bundle_id: str
    line: str | None
    author: str
    chosen_at: AwareDatetime
    note: str | None


class RescoringRequest(BaseModel):
    """Parts that a bundle judged are scored again by the champion."""

    model_config = ConfigDict(extra="forbid")

    judged_by: BundleId


class RescoringAnswer(BaseModel):
    """How far it is; ask again while parts are left."""

    rescored_count: int
    flip_count: int = Field(description="Parts whose verdict would be another.")
    flagged_now_count: int = Field(description="Parts that passed then and wait for a person now.")
    left_count: int


class LineageAnswer(BaseModel):
    """Where a bundle of a night comes from."""

    parent_id: str | None
    night: str | None
    recorded_at: AwareDatetime
    images_sha256: str = Field(description="Names the set of pictures it learned from.")
    image_count: int
    recipe: str
    gate: dict[str, Any] | None = Field(description="The gate's report.")


class BundleStory(BaseModel):
    """A bundle, where it comes from, who promoted it, and what was made from it."""

    bundle_id: str
    is_champion: bool
    lineage: LineageAnswer | None = Field(description="Null for a bundle that came from no night of this service.")
    promotions: list[PromotionAnswer] = Field(description="Newest first.")
    children: list[str]


class BundleAnswer(BaseModel):
    """A bundle on this machine."""

    bundle_id: str = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    is_loaded: bool = Field(description="Verified, self-tested and ready to judge in this process.")
    is_champion: bool


class BundleList(BaseModel):
    """Bundles of this machine, and the promotions so far, newest first."""

    items: list[BundleAnswer]
    promotions: list[PromotionAnswer]
