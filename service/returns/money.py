"""From counted parts to money: plain sums, so that anyone can make them again."""

from service.returns.schemas import Counted, MoneyFigures, ReturnsQuery


def figure_out(counted: Counted, inputs: ReturnsQuery, months: float) -> MoneyFigures:
    """Over a period of `months`, which is above 0."""
    avoided = counted.caught * (1 - inputs.caught_before)
    avoided_cost = avoided * inputs.escape_cost
    saved = inputs.hours_saved * inputs.hour_cost * months
    overkill = counted.overkill * inputs.overkill_cost
    hours = counted.decided * inputs.review_s / 3600
    review = hours * inputs.hour_cost
    running = inputs.running_cost * months
    gain = avoided_cost + saved - overkill - review - running
    invested = inputs.model_cost + inputs.hardware_cost
    per_month = gain / months
    return MoneyFigures(
        escapes_avoided=avoided,
        avoided_cost=avoided_cost,
        saved_work_cost=saved,
        overkill_cost=overkill,
        review_hours=hours,
        review_cost=review,
        running_cost=running,
        gain=gain,
        gain_per_month=per_month,
        invested=invested,
        payback_months=invested / per_month if per_month > 0 else None,
    )
