"""What the health addresses answer."""

from typing import Literal

from pydantic import BaseModel, Field


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Check(BaseModel):
    """One thing that a verdict needs."""

    ok: bool
    detail: str = Field(examples=["answers"])


class Readiness(BaseModel):
    """Whether parts may be sent here."""

    ready: bool
    checks: dict[str, Check]
