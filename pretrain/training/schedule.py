"""The schedule: how far a run is, and the learning rate that belongs there."""

import math
from dataclasses import dataclass


@dataclass
class Progress:
    """How far a run has come: optimiser steps taken and seconds of training spent."""

    step: int = 0
    elapsed_s: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """A run's length, in steps or, where minutes are given, in time. Resuming goes on where the clock stood.

    With `most_steps`, a timed run ends after so many at the latest: what adapts published weights forgets them beyond.
    """

    steps: int
    minutes: float | None
    warm_up: float
    most_steps: int | None = None

    def share_done(self, progress: Progress) -> float:
        """0 at the start, 1 at the end."""
        if self.minutes is not None:
            by_steps = progress.step / self.most_steps if self.most_steps is not None else 0.0
            return min(max(progress.elapsed_s / (self.minutes * 60), by_steps), 1.0)
        return min(progress.step / self.steps, 1.0)

    def rate_factor(self, progress: Progress) -> float:
        """The learning rate's factor: a linear rise, then half a cosine down to 0."""
        done = self.share_done(progress)
        if done < self.warm_up:
            # The first step of a timed run stands at 0 s; it shall move all the same.
            return max(done / self.warm_up, 0.02)
        return (1 + math.cos(math.pi * (done - self.warm_up) / (1 - self.warm_up))) / 2
