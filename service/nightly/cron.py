"""When a schedule is due."""

from datetime import datetime

from croniter import croniter
from croniter.croniter import CroniterError


def check_cron(expression: str) -> str:
    """The expression, if it is one of five fields. Raises ValueError."""
    if len(expression.split()) != 5 or not croniter.is_valid(expression):
        raise ValueError("is no cron expression of five fields, as in `30 22 * * *`")
    return expression


def next_due(expression: str, after: datetime) -> datetime | None:
    """The first time after that one, in the time zone of `after`; None where the expression names no day there is."""
    try:
        due: datetime = croniter(expression, after).get_next(datetime)
    except CroniterError:
        return None
    return due
