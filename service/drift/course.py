"""The course of a station as a small picture: where both EWMAs stood, block by block."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.drift.tables import DriftPoint

WIDTH, HEIGHT = 600.0, 96.0
_MOST = 4.0


@dataclass(frozen=True, slots=True)
class Course:
    """Lines in a box of WIDTH x HEIGHT; the middle is what is usual, top and bottom are four deviations off."""

    global_line: str
    local_line: str
    lots: tuple[float, ...]
    """Where a new lot begins."""


def draw_course(points: Sequence[DriftPoint]) -> Course:
    """Oldest at the left."""
    step = WIDTH / max(len(points) - 1, 1)

    def line(values: Sequence[float]) -> str:
        return " ".join(f"{number * step:.1f},{_height(value):.1f}" for number, value in enumerate(values))

    begins = tuple(
        round(number * step, 1) for number in range(1, len(points)) if points[number].lot != points[number - 1].lot
    )
    return Course(line([one.global_ewma for one in points]), line([one.local_ewma for one in points]), begins)


def _height(ewma: float) -> float:
    return HEIGHT / 2 * (1 - max(min(ewma, _MOST), -_MOST) / _MOST)
