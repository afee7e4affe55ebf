"""What the report on returns takes and gives."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from service.costs import CostInputs, Money
from service.labels import Label

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]


class ReturnsQuery(CostInputs):
    """The period, and every number that the plant knows better than this service."""

    station: Label | None = Field(None, description="Only of this station.")
    first_day: Day | None = Field(None, description="Of the plant's calendar; 30 days before the last, unless given.")
    last_day: Day | None = Field(None, description="Today, unless given.")
    caught_before: Share = Field(0.0, description="Share of these defects that was caught before there was Kensa.")
    hours_saved: Money = Field(0.0, description="Hours of looking at parts that are saved each month.")
    model_cost: Money = Field(2_000.0, description="Once: pictures, training, putting it up.")
    hardware_cost: Money = Field(8_000.0, description="Once: cameras, lamps, computer.")
    running_cost: Money = Field(100.0, description="Each month: energy, care, storage.")


class PartsOf(StrEnum):
    """Which parts stand behind a number."""

    INSPECTED = "inspected"
    FLAGGED = "flagged"
    CAUGHT = "caught"
    """Held or failed, and confirmed as defective."""
    FALSE_ALARMS = "false_alarms"
    """Held or failed, and good."""
    OVERKILL = "overkill"
    """Failed, and good."""
    DECIDED = "decided"
    MISSED = "missed"
    """Passed, and found to be defective."""
    CHECKED = "checked"
    """Passed, drawn by chance, and decided: what the estimate of escapes stands on."""


class Counted(BaseModel):
    """What was counted. Inspections count by when they arrived, decisions by when they were made."""

    inspected: int
    flagged: int
    caught: int
    false_alarms: int
    overkill: int
    decided: int
    missed: int


class EscapeBounds(BaseModel):
    """From spot checks: how many defective parts passed, with a 95 % interval."""

    checked: int = Field(description="Passed parts that were drawn by chance and decided.")
    escapes: float
    low: float
    high: float


class MoneyFigures(BaseModel):
    """In the plant's own money, over the period."""

    escapes_avoided: float = Field(description="Parts: caught, less those that were caught before anyway.")
    avoided_cost: float
    saved_work_cost: float
    overkill_cost: float
    review_hours: float
    review_cost: float
    running_cost: float
    gain: float = Field(description="What was avoided and saved, less what overkill, review and running cost.")
    gain_per_month: float
    invested: float
    payback_months: float | None = Field(description="Invested over the gain of a month; null where there is no gain.")


class Returns(BaseModel):
    """The whole report."""

    inputs: ReturnsQuery
    station: str | None
    first_day: date
    last_day: date
    since: AwareDatetime
    until: AwareDatetime
    months: float
    counted: Counted
    escapes: EscapeBounds | None = Field(description="Null where no passed part was drawn and decided.")
    money: MoneyFigures
    is_behind: bool = Field(description="Older inspections are still being counted.")
