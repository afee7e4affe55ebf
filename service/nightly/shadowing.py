"""What a night asks of whoever lets challengers score live parts beside the champion, without effect."""

from dataclasses import dataclass
from typing import Protocol

from service.db.engine import Database


@dataclass(frozen=True, slots=True)
class ShadowProgress:
    """How far it is: parts scored by both, and how many verdicts would flip.

    `worse_count` and `better_count` are flips about which a person said that the champion, or the challenger, was
    right. `trouble` says why it cannot go on, if so.
    """

    part_count: int
    flip_count: int
    worse_count: int = 0
    better_count: int = 0
    trouble: str | None = None


class Shadowing(Protocol):
    """The feature that shadows; the night knows no more of it."""

    def start(self, database: Database, challenger_id: str, *, stations: tuple[str, ...], night: str) -> None:
        """Let it score live parts of these stations (names, or beginnings that end in *). Twice is once."""

    def progress(self, database: Database, challenger_id: str) -> ShadowProgress:
        """So far; of a challenger that never started, nothing."""

    def stop(self, database: Database, challenger_id: str) -> None:
        """It scores no more; what it found stays."""
