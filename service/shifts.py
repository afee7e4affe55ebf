"""The plant's shifts: when each begins, on the clock of the plant's wall."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
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
        begins = _begins_about(moment.astimezone(self.zone).date(), self)
        later = next(place for place, begin in enumerate(begins) if begin > moment)
        return Shift(begins[later - 1], begins[later])


# A chart asks for thousands of moments, of some dozens of days.
@lru_cache(maxsize=1024)
def _begins_about(today: date, shifts: Shifts) -> list[datetime]:
    """When shifts begin from the day before until the day after: one may have begun yesterday, and end tomorrow."""
    return [
        datetime.combine(today + timedelta(days=offset), start, shifts.zone).astimezone(UTC)
        for offset in (-1, 0, 1)
        for start in shifts.starts
    ]
