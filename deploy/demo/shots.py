"""What the simulated camera will post: pictures that training never saw, with the truth where it is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inspection.images.folders import GOOD


@dataclass(frozen=True)
class Shot:
    """One part in front of the camera. `truth` is "good", the name of a defect, or None: unknown."""

    path: Path
    part_id: str
    lot: str
    truth: str | None

    @property
    def is_defective(self) -> bool | None:
        """Whether the part is defective; None where nobody knows."""
        return None if self.truth is None else self.truth != GOOD


@dataclass(frozen=True)
class Material:
    """All a demonstration works on: a folder to learn from, and shots that are not in it."""

    training: Path
    shots: list[Shot]
