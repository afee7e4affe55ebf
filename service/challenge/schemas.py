"""What challenges take and give."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from inspection.verdict import Verdict
from service.challenge.standing import Standing
from service.challenge.tables import ActKind, Expectation
from service.labels import Label, Note

ChallengePartId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class ChallengePartRequest(BaseModel):
    """A part whose truth is known."""

    model_config = ConfigDict(extra="forbid")

    station: Label = Field(examples=["press-3"])
    part_id: Label = Field(description="The id its pictures come with.", examples=["CHALLENGE-BAD-1"])
    expectation: Expectation = Field(description="`flagged` is HOLD or FAIL.", examples=["flagged"])
    note: Note | None = Field(None, examples=["scratch of 2 mm beside the bore"])


class RetirementRequest(BaseModel):
    """A challenge part that is not to be shown any more."""

    model_config = ConfigDict(extra="forbid")

    challenge_part_id: ChallengePartId = Field(examples=[3])


class ActRequest(BaseModel):
    """What is to happen with a station that holds everything."""

    model_config = ConfigDict(extra="forbid")

    station: Label = Field(examples=["press-3"])
    kind: ActKind = Field(
        description="`repeat`: all challenge parts are shown again. `release`: the station goes on without them."
    )
    note: Note = Field(description="Why.", examples=["lamp was replaced"])


class ChallengePartAnswer(BaseModel):
    """One challenge part, as it was registered."""

    id: int = Field(examples=[3])
    station: str = Field(examples=["press-3"])
    part_id: str = Field(examples=["CHALLENGE-BAD-1"])
    expectation: Expectation
    note: str | None
    registered_by: str = Field(examples=["Aiko Tanaka"])
    registered_at: AwareDatetime
    retired_by: str | None = None
    retired_at: AwareDatetime | None = None


class ChallengeResultAnswer(BaseModel):
    """What a challenge part got."""

    station: str
    part_id: str
    inspection_id: int
    expectation: Expectation
    verdict: Verdict
    was_right: bool
    recorded_at: AwareDatetime


class ActAnswer(BaseModel):
    """What an engineer did."""

    station: str
    kind: ActKind
    actor: str
    acted_at: AwareDatetime
    note: str


class StationChallenge(BaseModel):
    """How a station stands in this shift."""

    station: str
    standing: Standing
    missing: list[str] = Field(description="Still to be shown, and to be judged rightly.")
    wrong: list[str] = Field(description="Judged wrongly.")
    parts: list[ChallengePartAnswer]


class Challenges(BaseModel):
    """All stations that have challenge parts."""

    shift_start: AwareDatetime
    shift_end: AwareDatetime
    stations: list[StationChallenge]
    results: list[ChallengeResultAnswer] = Field(description="The newest first.")
    acts: list[ActAnswer] = Field(description="The newest first.")
