"""What trends give."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, Field

from service.trends.rules import Rule


class Span(StrEnum):
    """How far back, and what one point stands for."""

    HOURS = "hours"
    """72 hours, by hour."""
    SHIFTS = "shifts"
    """30 days, by shift."""
    DAYS = "days"
    """90 days, by day."""


class ChartName(StrEnum):
    """The charts of a station."""

    FLAGGED = "flagged"
    """The share of held and failed parts."""
    LOCAL = "local"
    """The local score: changes where the product does."""
    GLOBAL = "global"
    """The global score: changes where the camera or the light does."""


class PointAnswer(BaseModel):
    """One point of a chart."""

    start: AwareDatetime
    end: AwareDatetime
    bundle_id: str = Field(description="Scores of two bundles are not comparable: each has limits of its own.")
    count: int = Field(description="Parts it stands for.")
    value: float
    centre: float | None
    lower: float | None
    upper: float | None
    rules: list[Rule] = Field(description="Those it breaks.")
    is_baseline: bool = Field(description="Whether the limits were made from it.")


class ChartAnswer(BaseModel):
    """One chart, oldest first."""

    name: ChartName
    points: list[PointAnswer]


class Trends(BaseModel):
    """All charts of a station."""

    station: str
    span: Span
    since: AwareDatetime
    until: AwareDatetime
    charts: list[ChartAnswer]
    is_behind: bool = Field(description="Older inspections are still being counted.")
