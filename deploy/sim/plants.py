"""Plants that make the same parts: one that never retrains, one that always promotes, and what all have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from deploy.sim.production import Batch, join
from deploy.sim.student import Judged, Student, train
from inspection.verdict import Verdict

WINDOW_DAYS = 5
_LEAST_PARTS = 10


@dataclass
class Mistakes:
    """Against the truth: defective parts that passed, good parts that failed; and how many of each there were."""

    escapes: int = 0
    overkill: int = 0
    held: int = 0
    defective: int = 0
    good: int = 0

    def add(self, day: Batch, judged: Sequence[Judged]) -> None:
        """One day's."""
        for part, one in zip(day.parts, judged, strict=True):
            if part.kind is None:
                self.good += 1
                self.overkill += one.verdict is Verdict.FAIL
            else:
                self.defective += 1
                self.escapes += one.verdict is Verdict.PASS
            self.held += one.verdict is Verdict.HOLD


class Plant(Protocol):
    """Judges each day's parts, and has each night to itself."""

    name: str
    champion: Student

    def judge(self, day: Batch) -> list[Judged]:
        """The day's verdicts."""

    def spend_night(self, number: int, day: Batch, judged: Sequence[Judged], *, has_gpu: bool) -> str:
        """What it did, in a few words."""


@dataclass
class NeverRetrains:
    """The model it was set up with, for ever."""

    champion: Student
    name: str = "never_retrains"

    def judge(self, day: Batch) -> list[Judged]:
        """By the first model."""
        return self.champion.judge(day.features)

    def spend_night(self, number: int, day: Batch, judged: Sequence[Judged], *, has_gpu: bool) -> str:
        """Sleep."""
        return ""


@dataclass
class AlwaysPromotes:
    """Learns every night from all pictures of the last days, and takes whatever comes of it. It asks nobody."""

    champion: Student
    past: list[Batch]
    name: str = "always_promotes"

    def judge(self, day: Batch) -> list[Judged]:
        """By last night's model."""
        return self.champion.judge(day.features)

    def spend_night(self, number: int, day: Batch, judged: Sequence[Judged], *, has_gpu: bool) -> str:
        """Learn from everything, as nobody sorts it."""
        self.past = [*self.past, day][-WINDOW_DAYS:]
        if not has_gpu:
            return "kept"
        self.champion = learn(f"always-{number}", join(self.past)) or self.champion
        return "promoted"


@dataclass
class Replay:
    """Pictures of all nights so far, thinned out: what was normal once is not forgotten at once."""

    count: int
    seed: int = 0
    kept: list[Batch] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        """One night's selection."""
        if batch.parts:
            self.kept.append(batch)

    def drop(self, images: set[str]) -> None:
        """What people have found out to be defective."""
        self.kept = [
            batch.only([n for n, part in enumerate(batch.parts) if part.image not in images]) for batch in self.kept
        ]
        self.kept = [batch for batch in self.kept if batch.parts]

    def draw(self) -> Batch:
        """The last days whole, and of all others `count` parts drawn by chance."""
        recent, older = self.kept[-WINDOW_DAYS:], self.kept[:-WINDOW_DAYS]
        if not older:
            return join(recent)
        everything = join(older)
        rng = np.random.default_rng([self.seed, len(self.kept)])
        count = min(self.count, len(everything.parts))
        return join([everything.only(sorted(rng.permutation(len(everything.parts))[:count].tolist())), *recent])


def learn(name: str, batch: Batch) -> Student | None:
    """Fit on one lot of each day, mornings and afternoons in turn, and calibrate on the other; None for too few parts.

    The lots that it is calibrated on are never those that it has learned from.
    """
    fitted, others = divide(batch)
    if min(len(fitted.parts), len(others.parts)) < _LEAST_PARTS:
        return None
    return train(name, fitted.features, others.features)


def divide(batch: Batch) -> tuple[Batch, Batch]:
    """(what is learned from, what sets the limits)."""
    fitted = [n for n, part in enumerate(batch.parts) if part.is_morning is (part.day % 2 == 0)]
    others = sorted(set(range(len(batch.parts))) - set(fitted))
    return batch.only(fitted), batch.only(others)
