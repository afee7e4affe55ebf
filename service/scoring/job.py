"""One image on its way to its inspection."""

import asyncio
from dataclasses import dataclass, field

from inspection.inspector import Inspector, PreparedImage
from inspection.verdict import Inspection
from service.outcome import Outcome, settle


@dataclass(frozen=True, slots=True)
class Judged:
    """An inspection with its heat map as PNG bytes, where the image could be scored."""

    inspection: Inspection
    heat_map_png: bytes | None = None


@dataclass(eq=False, slots=True)
class Job:
    """`inspector` is the one in force when the image arrived; what is swapped in later does not touch this job."""

    data: bytes
    name: str
    inspector: Inspector
    answer: asyncio.Future[Judged]
    image: PreparedImage | None = None
    queued_at: float = 0.0
    waiting_ms: float = 0.0
    """In the queue of images to be scored."""
    deaths: int = 0
    """Threads that have died over this image."""
    is_abandoned: bool = field(default=False)
    """Nobody waits any more: whatever step comes next may leave it."""

    def is_prepared(self) -> bool:
        """Decode and preprocess; False where that is the end of it, which is answered then."""
        if not self.is_abandoned:
            with Outcome() as outcome:
                self._prepare()
            if outcome.failure is not None:
                self.settle(outcome.failure)
        return self.image is not None

    def _prepare(self) -> None:
        prepared = self.inspector.prepare(self.data, name=self.name)
        if isinstance(prepared, Inspection):
            self.settle(Judged(prepared))
            return
        self.image = prepared
        # The encoded bytes are the image store's from here on.
        self.data = b""

    def settle(self, outcome: Judged | BaseException) -> None:
        """Answer, from any thread. The first answer counts."""
        settle(self.answer, outcome)
