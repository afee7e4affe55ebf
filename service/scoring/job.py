"""One image on its way to its inspection."""

import asyncio
import time
from dataclasses import dataclass, field

from inspection.inspector import Inspector, PreparedImage
from inspection.verdict import Inspection
from service.outcome import settle


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
    decoded_at: float = 0.0
    deaths: int = 0
    """Threads that have died over this image."""
    is_abandoned: bool = field(default=False)
    """Nobody waits any more: whatever step comes next may leave it."""

    def prepare(self) -> Inspection | None:
        """Decode and preprocess; an Inspection where that is the end of it."""
        prepared = self.inspector.prepare(self.data, name=self.name)
        if isinstance(prepared, Inspection):
            return prepared
        self.image, self.decoded_at = prepared, time.perf_counter()
        # The encoded bytes are the image store's from here on.
        self.data = b""
        return None

    def settle(self, outcome: Judged | BaseException) -> None:
        """Answer, from any thread. The first answer counts."""
        settle(self.answer, outcome)
