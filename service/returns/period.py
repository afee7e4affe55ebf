"""From which day to which, on the plant's own calendar."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS_OF_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, both included; `since` and `until` are the instants around them."""

    first_day: date
    last_day: date
    since: datetime
    until: datetime

    @property
    def months(self) -> float:
        return (self.until - self.since) / timedelta(days=DAYS_OF_MONTH)


def period_of(first_day: date | None, last_day: date | None, zone: ZoneInfo, *, now: datetime) -> Period:
    """Without days the last thirty; a last day before the first is taken as the first."""
    last = last_day or now.astimezone(zone).date()
    first = min(first_day or last - timedelta(days=29), last)
    return Period(first, last, _midnight(first, zone), _midnight(last + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
