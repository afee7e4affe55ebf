"""What signing in takes and gives."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.callers import Permission, Role

_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128, pattern=_PRINTABLE)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class PasswordRequest(BaseModel):
    """A name and its password."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName = Field(examples=["Aiko Tanaka"])
    password: Secret


class OwnPasswordRequest(BaseModel):
    """Another password of one's own, for the one until now."""

    model_config = ConfigDict(extra="forbid")

    old_password: Secret = Field(examples=["seven green flanges"])
    new_password: Secret = Field(description="10 to 256 characters.", examples=["nine blue washers"])


class OwnPasswordAnswer(BaseModel):
    """It has been changed."""

    sessions_ended: int = Field(description="Other browsers in which the person was signed in.")


class LinkRequest(BaseModel):
    """What a sign-in link carries behind its #."""

    model_config = ConfigDict(extra="forbid")

    token: Secret


class SignedOutAnswer(BaseModel):
    """Signed out here; still signed in at the provider that the session began at."""

    continue_at: str = Field(examples=["https://login.plant/logout?client_id=kensa"])


class SessionAnswer(BaseModel):
    """Who is signed in in this browser."""

    name: str = Field(examples=["Aiko Tanaka"])
    role: Role = Field(examples=["reviewer"])
    permissions: list[Permission]
