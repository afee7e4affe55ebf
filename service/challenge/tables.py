"""Challenge parts, what they got, and what an engineer did about it. Results and acts are only ever added."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inspection.verdict import Verdict
from service.db.columns import Id, Key, Name, Record, words
from service.db.tables import VERDICT_TYPE, Station


class Expectation(StrEnum):
    """What a challenge part must get."""

    PASS = "pass"
    FLAGGED = "flagged"
    """HOLD or FAIL."""
    FAIL = "fail"

    def is_met_by(self, verdict: Verdict) -> bool:
        if self is Expectation.FLAGGED:
            return verdict is not Verdict.PASS
        return verdict is (Verdict.PASS if self is Expectation.PASS else Verdict.FAIL)


class ActKind(StrEnum):
    """What an engineer decided for the rest of the shift."""

    REPEAT = "repeat"
    """The station was mended: what was found before is void, and all parts are shown again."""
    RELEASE = "release"
    """The station goes on without."""


class ChallengePart(Record):
    """A part whose truth is known, at one station, from its registration until it is retired."""

    __tablename__ = "challenge_parts"

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"), index=True)
    part_name: Mapped[Name]
    expectation: Mapped[Expectation] = mapped_column(words(Expectation, "expectation", 16))
    note: Mapped[str | None] = mapped_column(Text)
    registered_by: Mapped[Name]
    registered_at: Mapped[datetime]
    retired_by: Mapped[Name | None]
    retired_at: Mapped[datetime | None]

    station: Mapped[Station] = relationship(lazy="raise")


class ChallengeResult(Record):
    """What a challenge part got. It outlives the inspection, which retention may remove."""

    __tablename__ = "challenge_results"
    __table_args__ = (
        UniqueConstraint("inspection_id", "challenge_part_id"),
        Index("ix_challenge_results_recent", "recorded_at"),
    )

    id: Mapped[Key]
    challenge_part_id: Mapped[int] = mapped_column(Id, ForeignKey("challenge_parts.id"))
    inspection_id: Mapped[int] = mapped_column(Id)
    verdict: Mapped[Verdict] = mapped_column(VERDICT_TYPE)
    was_right: Mapped[bool]
    recorded_at: Mapped[datetime]

    part: Mapped[ChallengePart] = relationship(lazy="raise")


class ChallengeAct(Record):
    """Who let a station go on, or had it challenged again, and why."""

    __tablename__ = "challenge_acts"

    id: Mapped[Key]
    station_id: Mapped[int] = mapped_column(Id, ForeignKey("stations.id"))
    kind: Mapped[ActKind] = mapped_column(words(ActKind, "kind", 16))
    actor: Mapped[Name]
    acted_at: Mapped[datetime] = mapped_column(index=True)
    note: Mapped[str] = mapped_column(Text)

    station: Mapped[Station] = relationship(lazy="raise")
