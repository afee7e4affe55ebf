"""What the gate decides on: both models' verdicts on the same parts, parity and latency. No loss, no likelihood."""

from typing import Annotated

from pydantic import Field

from inspection.config import Settings
from inspection.verdict import Verdict

Count = Annotated[int, Field(ge=0)]


class JudgedPart(Settings):
    """A part whose truth is known, and what both models say of it."""

    image: str
    """SHA-256 of the picture."""
    defect: str | None
    """What the defect is called; None for a good part."""
    champion: Verdict
    challenger: Verdict

    @property
    def is_lost(self) -> bool:
        """Passed by the challenger and flagged by the champion."""
        return self.challenger is Verdict.PASS and self.champion is not Verdict.PASS

    @property
    def is_gained(self) -> bool:
        """Flagged by the challenger and passed by the champion."""
        return self.champion is Verdict.PASS and self.challenger is not Verdict.PASS


class Proofs(Settings):
    """Whether the bundle answers as it did in training: its certificate, and the proofs computed again."""

    verdict_flip_count: Count
    largest_score_difference: float
    tolerance: float
    failed_proofs: tuple[str, ...] = ()


class Evidence(Settings):
    """All of it. `latency_ms` is the median time for one image, both measured in turns on one machine."""

    golden: tuple[JudgedPart, ...]
    """The frozen golden set: reviewed parts that no training has seen."""
    replay: tuple[JudgedPart, ...] = ()
    """Recent parts that the champion flagged and a person decided about."""
    synthetic: tuple[JudgedPart, ...] = ()
    """Golden good parts with a drawn flaw."""
    anchored: tuple[JudgedPart, ...] = ()
    """The golden set with the anchor in the champion's place; empty where the anchor is the champion."""
    proofs: Proofs
    champion_latency_ms: float
    challenger_latency_ms: float
