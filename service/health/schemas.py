"""What the health addresses answer."""

from typing import Literal

from pydantic import BaseModel, Field


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["live", "stuck"] = "live"


class Check(BaseModel):
    """One thing that a verdict needs."""

    ok: bool
    detail: str = Field(examples=["answers"])


class Readiness(BaseModel):
    """Whether parts may be sent here."""

    ready: bool
    checks: dict[str, Check]


class AlarmAnswer(BaseModel):
    """Something a person must do something about; docs/runbook has a page of that name."""

    name: str = Field(examples=["disk_low"])
    meaning: str
    detail: str = Field(examples=["1904 MB are free"])


class Health(Readiness):
    """The whole picture."""

    version: str
    champion: str = Field(examples=["bundle-0c1f5b7d2e9a4c36"])
    bundles: list[str] = Field(description="Loaded side by side.")
    profile_versions: dict[str, int] = Field(description="In force, by station; others run the champion as it is.")
    queued_images: int
    disk_free_bytes: int | None
    alarms: list[AlarmAnswer]
