"""What the threshold page takes and gives."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from service.costs import CostInputs
from service.labels import Label, Note
from service.thresholds.halves import DividedBy
from service.thresholds.what_if import Costs, Estimate, Figures

Score = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]


class CostQuery(CostInputs):
    """Costs and staffing of one station."""

    parts_per_shift: Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)] | None = Field(
        None, description="As many as there were in the last days, unless given."
    )

    def costs(self, parts_per_shift: float) -> Costs:
        return Costs(
            escape=self.escape_cost,
            overkill=self.overkill_cost,
            hour=self.hour_cost,
            review_s=self.review_s,
            parts_per_shift=self.parts_per_shift or parts_per_shift,
        )


class ProposalQuery(CostQuery):
    """Which station, at which costs."""

    station: Label = Field(examples=["press-3"])


class WhatIfQuery(ProposalQuery):
    """Limits to be tried."""

    local_pass: Score
    local_fail: Score
    global_pass: Score
    global_fail: Score

    @property
    def limits(self) -> Thresholds:
        """Raises ValidationError where a pass limit is not below its fail limit."""
        return Thresholds(
            local_score=Limits(pass_limit=self.local_pass, fail_limit=self.local_fail),
            global_score=Limits(pass_limit=self.global_pass, fail_limit=self.global_fail),
        )


class EstimateAnswer(BaseModel):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, found: Estimate | None) -> Self | None:
        return None if found is None else cls(value=found.value, low=found.low, high=found.high)


class FiguresAnswer(BaseModel):
    """What limits would mean, counted on the judging half; null where nothing is known."""

    part_count: int
    defect_count: int
    drawn_count: int = Field(description="Parts that passed, were drawn by chance and decided.")
    escape_rate: EstimateAnswer | None = Field(description="Defective parts that would pass, over defective parts.")
    overkill_rate: EstimateAnswer | None = Field(description="Good parts that would fail, over good parts.")
    held_share: EstimateAnswer | None
    escapes_per_shift: EstimateAnswer | None
    overkill_per_shift: EstimateAnswer | None
    review_min_per_shift: EstimateAnswer | None
    cost_per_shift: EstimateAnswer | None
    known_escape_ids: list[int] = Field(description="Known defective parts that would pass, the worst first.")

    @classmethod
    def of(cls, found: Figures) -> Self:
        names = (
            "escape_rate",
            "overkill_rate",
            "held_share",
            "escapes_per_shift",
            "overkill_per_shift",
            "review_min_per_shift",
            "cost_per_shift",
        )
        return cls(
            part_count=found.part_count,
            defect_count=found.defect_count,
            drawn_count=found.drawn_count,
            known_escape_ids=found.known_escape_ids,
            **{name: EstimateAnswer.of(getattr(found, name)) for name in names},
        )


class HalfAnswer(BaseModel):
    """What lies in one half."""

    part_count: int = Field(description="Newest parts, whatever is known of them.")
    defect_count: int
    false_alarm_count: int = Field(description="Flagged parts that a person called good.")
    drawn_count: int


class WhatIfAnswer(BaseModel):
    """Limits and what they would mean."""

    station: str
    bundle_id: str
    thresholds: Thresholds
    parts_per_shift: float
    figures: FiguresAnswer


class ProposalAnswer(WhatIfAnswer):
    """The cheapest limits on the fitting half, and what they would mean on the judging half."""

    fitted_on: HalfAnswer
    judged_on: HalfAnswer
    divided_by: DividedBy


class ThresholdsRequest(BaseModel):
    """Limits to come into force at a station."""

    model_config = ConfigDict(extra="forbid")

    station: Label = Field(examples=["press-3"])
    bundle_id: str = Field(description="The bundle whose scores they are limits of.")
    based_on: Annotated[int, Field(ge=0)] = Field(description="The profile version that they were looked at under.")
    thresholds: Thresholds
    note: Note | None = Field(None, description="Why.", examples=["fewer false alarms at the bore"])


class ThresholdsAnswer(BaseModel):
    """In force with this answer."""

    station: str
    version: int
    bundle_id: str
    thresholds: Thresholds
    created_at: AwareDatetime
