"""What the camera tells the person beside it: a line for each verdict, and one when the service goes or comes."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx

from inspection.terminal import emit_figures, say, show_table
from inspection.verdict import Verdict
from service.client import Answer
from service.client.patience import Failure, describe

_REMIND_AFTER_S = 60.0
REFUSED = "refused"


class Shown:
    """Lines on standard error; the counts as a table and one JSON line on standard output at the end."""

    def __init__(
        self,
        waiting_count: Callable[[], int],
        say: Callable[[str], None] = say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._waiting_count = waiting_count
        self._say = say
        self._clock = clock
        self._told: tuple[str, float] | None = None

    def answered(self, answer: Answer, seconds: float, waiting_count: int) -> None:
        """A picture has its verdict."""
        if self._told is not None:
            self._told = None
            self._say(f"the service answers again; {waiting_count} more wait")
        self.counts[answer.verdict.value] += 1
        again = "" if answer.was_first else ", as told before"
        more = f", {waiting_count} wait" if waiting_count else ""
        self._say(f"{answer.part_id}: {answer.verdict} ({answer.reason}{again}) in {1000 * seconds:.0f} ms{more}")

    def refused(self, part_id: str, reason: str, kept: Path) -> None:
        """A picture was turned down and lies apart now."""
        self.counts[REFUSED] += 1
        self._say(f"{part_id}: refused ({reason}); kept as {kept}")

    def failed(self, failure: Failure, _pause_s: float) -> None:
        """An attempt in vain."""
        hint = (
            " (is the station key right?)" if isinstance(failure, httpx.Response) and failure.status_code == 401 else ""
        )
        self.away(f"no verdict yet, {describe(failure)}{hint}")

    def away(self, problem: str) -> None:
        """The service cannot be used: told when that begins, when its cause changes, and every minute."""
        now = self._clock()
        if self._told is None or self._told[0] != problem or now - self._told[1] >= _REMIND_AFTER_S:
            self._told = (problem, now)
            self._say(f"{problem}; {self._waiting_count()} wait on disk and are sent in order when it can be used")

    def trouble(self, problem: str) -> None:
        """Something here keeps pictures from being taken in."""
        self._say(f"error: {problem}")

    def total(self) -> None:
        """The end: what was answered by this run, and what still waits."""
        waiting = self._waiting_count()
        kinds = [*(verdict.value for verdict in Verdict), REFUSED]
        show_table(
            "pictures", ["outcome", "count"], [*((kind, self.counts[kind]) for kind in kinds), ("waiting", waiting)]
        )
        emit_figures({**{kind: self.counts[kind] for kind in kinds}, "waiting": waiting})
