"""What spot checks take and give."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from service.labels import Label
from service.spot_checks.rates import Method


class CheckScope(BaseModel):
    """Which inspections are asked about; an empty one asks for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: Label | None = None
    station: Label | None = None
    lot: Label | None = None
    bundle_id: Label | None = None
    since: AwareDatetime | None = Field(None, description="Received in that quarter of an hour or later.")
    until: AwareDatetime | None = Field(None, description="Received before that quarter of an hour.")


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class RateAnswer(_Answer):
    """A rate with its bounds, all from 0 to 1."""

    count: int = Field(examples=[0])
    total: int = Field(description="Parts that the rate rests on.", examples=[300])
    rate: float | None = Field(description="Weighted by how the parts were drawn; null without any.", examples=[0.0])
    low: float = Field(description="Two-sided interval.", examples=[0.0])
    high: float = Field(examples=[0.0122])
    upper_bound: float = Field(description="One-sided: at most this, at `confidence`.", examples=[0.00994])
    method: Method = Field(description="clopper_pearson where all were drawn alike, else korn_graubard.")
    effective_total: float = Field(description="As many equally drawn parts would say as much.", examples=[300.0])
    confidence: float = Field(examples=[0.95])


class EscapesAnswer(_Answer):
    """What the parts that passed and were drawn say of escapes."""

    passed_count: int = Field(examples=[30000])
    drawn_count: int = Field(examples=[312])
    waiting_count: int = Field(description="Drawn, and not decided yet.", examples=[10])
    unclear_count: int = Field(description="Unclear, or two people see it differently.", examples=[2])
    defective_share: RateAnswer = Field(description="Defective parts among those that passed.")
    escape_rate: RateAnswer | None = Field(description="Defective parts that passed, over all defective parts.")


class OverkillAnswer(_Answer):
    """What the held and failed parts say of overkill."""

    flagged_count: int = Field(examples=[640])
    decided_count: int = Field(examples=[632])
    unclear_count: int = Field(examples=[3])
    false_alarm_share: RateAnswer = Field(description="Good parts among those that were held or failed.")
    overkill_rate: RateAnswer | None = Field(description="Good parts that were held or failed, over all good parts.")


class AgreementAnswer(_Answer):
    """How far two looks at the same parts agree."""

    pair_count: int = Field(examples=[48])
    observed: RateAnswer = Field(description="The share of pairs that say the same.")
    kappa: float | None = Field(description="Cohen's; null where chance alone explains everything.", examples=[0.81])
    kappa_low: float | None
    kappa_high: float | None
    table: dict[str, dict[str, int]] = Field(description="Pairs, by the first answer and the second.")


class PairAgreement(BaseModel):
    """Two people: who decided, and who was asked again."""

    first: str = Field(examples=["Aiko Tanaka"])
    second: str = Field(examples=["Kenji Mori"])
    agreement: AgreementAnswer


class SpotCheckReport(BaseModel):
    """All that follows from spot checks and repeats."""

    scope: CheckScope
    is_behind: bool = Field(description="Older parts are still being counted: of all parts there are more.")
    escapes: EscapesAnswer
    overkill: OverkillAnswer
    between_inspectors: AgreementAnswer
    with_oneself: AgreementAnswer
    by_pair: list[PairAgreement]
