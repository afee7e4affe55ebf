"""What looking after people takes and gives. No secret is among it but those that are told once."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from service.access.schemas import PersonName, Secret
from service.callers import Role


class PersonRequest(BaseModel):
    """A new person. Without a password, a link signs them in."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName = Field(examples=["Kenji Mori"])
    role: Role = Role.REVIEWER
    password: Secret | None = Field(None, description="10 to 256 characters.", examples=["seven green flanges"])


class RoleRequest(BaseModel):
    """Another role."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class NewPasswordRequest(BaseModel):
    """Another password."""

    model_config = ConfigDict(extra="forbid")

    password: Secret = Field(description="10 to 256 characters.", examples=["seven green flanges"])


class PersonAnswer(BaseModel):
    """Someone who may, or might once, sign in."""

    id: int = Field(examples=[3])
    name: str = Field(examples=["Kenji Mori"])
    role: Role
    has_password: bool = Field(description="Else only a link or single sign-on lets them in.")
    uses_single_sign_on: bool = Field(description="The provider gives them their role anew each time they sign in.")
    created_at: AwareDatetime
    last_sign_in_at: AwareDatetime | None = Field(description="Null for someone who never did.")
    disabled_at: AwareDatetime | None = Field(description="Since when they may not sign in.")


class PeopleList(BaseModel):
    """All people, by name."""

    items: list[PersonAnswer]


class LinkAnswer(BaseModel):
    """A way to sign in once, told only now."""

    path: str = Field(description="At the address of this service.", examples=["/sign-in#6fT0…"])
    ends_at: AwareDatetime
