"""How far back a page looks that would read the whole history otherwise. Programs may ask for any time by the API."""

from datetime import UTC, datetime, timedelta
from enum import IntEnum

from service.web.languages import mark


class Lately(IntEnum):
    """Days."""

    MONTH = 30
    QUARTER = 90
    YEAR = 365

    def since(self, now: datetime | None = None) -> datetime:
        """The instant so many days ago."""
        return (now or datetime.now(UTC)) - timedelta(days=self.value)


SPANS = {
    Lately.MONTH: mark("30 days"),
    Lately.QUARTER: mark("90 days"),
    Lately.YEAR: mark("A year"),
}
