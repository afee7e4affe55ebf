"""The budget of a search in seconds of the clock, whatever they are spent on."""

import time


class Clock:
    """Counts on from what was spent before a stop."""

    def __init__(self, minutes: float, spent_s: float = 0.0) -> None:
        self._budget_s = 60 * minutes
        self._began = time.monotonic() - spent_s

    @property
    def spent_s(self) -> float:
        return time.monotonic() - self._began

    @property
    def left_s(self) -> float:
        return self._budget_s - self.spent_s
