"""The plant's shifts: when each begins, on the clock of the plant's wall."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Shift:
    """From `start` until before `end`, both aware instants."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Shifts:
    """`starts` are times of day in `zone`, ascending, at least one; the last shift of a day ends at the next first."""

    starts: tuple[time, ...]
    zone: ZoneInfo

    def at(self, moment: datetime) -> Shift:
        """The shift that is on at an aware instant. Clocks that are put forward or back make it shorter or longer."""
        today = moment.astimezone(self.zone).date()
        # A day to either side: a shift may have begun yesterday, and end tomorrow.
        begins = [
            datetime.combine(today + timedelta(days=offset), start, self.zone).astimezone(UTC)
            for offset in (-1, 0, 1)
            for start in self.starts
        ]
        later = next(place for place, begin in enumerate(begins) if begin > moment)
        return Shift(begins[later - 1], begins[later])
