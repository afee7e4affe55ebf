"""One question of the gate, and its answer."""

from enum import StrEnum

from inspection.config import Settings


class Question(StrEnum):
    """What is asked, in the order it is reported."""

    ESCAPES = "escapes"
    ANCHOR = "anchor"
    KINDS = "kinds"
    OVERKILL = "overkill"
    FLAGGED = "flagged"
    REPLAY = "replay"
    SYNTHETIC = "synthetic"
    PARITY = "parity"
    LATENCY = "latency"


class Answer(StrEnum):
    """Anything but PASSED and NOT_ASKED keeps the champion."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    """The parts are too few to tell."""
    NOT_ASKED = "not_asked"
    """There is nothing to ask it of, and it is not needed."""


class Check(Settings):
    """`figures` are what the answer rests on; `needed_count` how many parts in all would settle it, where known."""

    question: Question
    answer: Answer
    figures: dict[str, float | int]
    needed_count: int | None = None
    names: tuple[str, ...] = ()
    """What failed, where it has names: kinds of defect, proofs, or pictures."""

    @property
    def further_count(self) -> int | None:
        """Reviewed parts still missing."""
        return None if self.needed_count is None else max(self.needed_count - int(self.figures["count"]), 1)
