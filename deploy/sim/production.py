"""A day's parts with the truth about them: rendered once, seen by every plant that is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from deploy.demo.lots import Lot
from deploy.demo.parts import render_picture
from deploy.sim.features import describe
from deploy.sim.happenings import OLD_KINDS, Course, part_kinds
from inspection.images.decode import encode_png
from inspection.images.digest import sha256_of_bytes
from service.nightly.guard.candidate import Look
from service.nightly.guard.looks import look_at

FIRST_DAY = datetime(2026, 11, 1, 6, tzinfo=UTC)
STATION = "flange-1"


@dataclass(frozen=True)
class Part:
    """One part: `kind` is the truth, None for a sound one."""

    serial: int
    day: int
    lot: str
    is_morning: bool
    kind: str | None
    at: datetime
    image: str
    """SHA-256 of its picture."""
    look: Look | None


@dataclass(frozen=True)
class Batch:
    """Parts with their features, float32 [n, CELLS, CELLS, WIDTH]."""

    parts: tuple[Part, ...]
    features: np.ndarray

    def only(self, places: Sequence[int]) -> Batch:
        """Some of them."""
        return Batch(tuple(self.parts[place] for place in places), self.features[list(places)])


def join(batches: Sequence[Batch]) -> Batch:
    """All of them, in order; at least one."""
    parts = tuple(part for batch in batches for part in batch.parts)
    return Batch(parts, np.concatenate([batch.features for batch in batches]))


@dataclass(frozen=True)
class Line:
    """What makes the parts of every day, the same ones for the same seed."""

    course: Course
    part_count: int
    seed: int

    def make_day(self, day: int) -> Batch:
        """Parts of two lots, defects among them. Days before the first are those the plant was set up with."""
        rng = np.random.default_rng([self.seed, day + 1000])
        lots = self.course.lots(day, rng)
        kinds = list(part_kinds(self.part_count, self.course.defect_rate(day), self.course.kinds(day), rng))
        return self._render(day, [lots[2 * place // self.part_count] for place in range(self.part_count)], kinds)

    def make_golden(self, good_count: int, defective_count: int) -> Batch:
        """Reviewed parts from before the first day, of many lots; no training ever sees them."""
        rng = np.random.default_rng([self.seed, 7])
        count = good_count + defective_count
        lots = [lot for day in range(-20, -10) for lot in self.course.lots(day, rng)]
        kinds = [None] * good_count + [OLD_KINDS[number % len(OLD_KINDS)] for number in range(defective_count)]
        return self._render(-100, [lots[place % len(lots)] for place in range(count)], kinds)

    def _render(self, day: int, lots: Sequence[Lot], kinds: Sequence[str | None]) -> Batch:
        parts, features = [], []
        for place, (lot, kind) in enumerate(zip(lots, kinds, strict=True)):
            serial = (day + 200) * 1000 + place
            image = render_picture(lot, serial, self.seed, kind)
            data = encode_png(image)
            parts.append(
                Part(
                    serial=serial,
                    day=day,
                    lot=lot.name,
                    is_morning=lot.name.endswith("A"),
                    kind=kind,
                    at=FIRST_DAY + timedelta(days=day, seconds=place * 28800 / len(kinds)),
                    image=sha256_of_bytes(data),
                    look=look_at(data, name=f"part {serial}", significant_bits=8),
                )
            )
            features.append(describe(image))
        return Batch(tuple(parts), np.stack(features))
