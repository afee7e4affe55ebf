"""Parts that fail one after another by the view as a whole: a lamp, a camera, another metal, hardly so many defects.

Medians of blocks tell of slow changes, and learn how lots differ. A view that the calibration has never seen needs no
such comparison: of good parts next to none lies beyond the fail limit of the global score, of defective ones few do.
Each part is a bet at odds that lose nothing on the average while at most `USUAL` of them lie beyond it; what is won
grows as evidence does in `service.drift.evidence`, with the same promise of false alarms.
"""

from dataclasses import dataclass
from datetime import datetime

from service.drift.evidence import MONTH_S

USUAL = 0.1
"""Share of parts that may lie beyond the limit for ever without an alarm: far more than calibration lets through."""
_MOVED = 0.6
_WON, _LOST = _MOVED / USUAL, (1 - _MOVED) / (1 - USUAL)
_LARGEST = 1e12


@dataclass(slots=True)
class ViewFails:
    """What stands against `no more parts than usual fail by the view`."""

    level: float = 0.0
    """The alarm is at 1."""
    run: float = 1.0
    """The product of bets since `since_id`, at least 1."""
    since_id: int | None = None
    at: str | None = None
    """When the last part came, in ISO 8601."""

    def add(self, *, is_beyond: bool, inspection_id: int, at: datetime, rate: float) -> bool:
        """Take one part; `rate` false alarms a month. Returns whether the alarm is reached with this part."""
        before = at if self.at is None else datetime.fromisoformat(self.at)
        self.at = at.isoformat()
        was = self.level
        bet = _WON if is_beyond else _LOST
        self.level += rate * max((at - before).total_seconds(), 0.0) / MONTH_S
        self.level = min(self.level * bet, _LARGEST)
        if self.since_id is None or self.run <= 1.0:
            self.run, self.since_id = 1.0, inspection_id
        self.run = min(self.run * bet, _LARGEST)
        return was < 1.0 <= self.level
