"""Control charts as plotly draws them: see `service.web.charts`."""

from collections.abc import Callable
from datetime import datetime
from statistics import median
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from service.trends.rules import Rule
from service.trends.schemas import ChartAnswer, ChartName
from service.web.languages import mark

Words: TypeAlias = Callable[..., str]
RULES = {
    Rule.BEYOND: mark("beyond the control limits"),
    Rule.TWO_OF_THREE: mark("two of three beyond two deviations"),
    Rule.FOUR_OF_FIVE: mark("four of five beyond one deviation"),
    Rule.ONE_SIDE: mark("nine in a row on one side"),
    Rule.TREND: mark("six in a row rising or falling"),
}


def draw(chart: ChartAnswer, since: datetime, until: datetime, words: Words, zone: ZoneInfo) -> dict[str, Any]:
    """Limits as a band, the points, and those that break a rule on top of them. Times are those of the plant's wall.

    The axis is the whole span, whatever came in it: charts of stations lie one over the other.
    """
    is_share = chart.name is ChartName.FLAGGED
    times = [_on_the_wall(point.start, zone) for point in chart.points]
    marked = [place for place, point in enumerate(chart.points) if point.rules]
    format_ = ".2%" if is_share else ".4f"
    hover = f"%{{x}}<br>%{{y:{format_}}}<extra></extra>"
    shape = "hv" if is_share else "linear"
    lines = [
        _line(times, [point.lower for point in chart.points], "line-strong", words("control limits"), shape),
        {
            **_line(times, [point.upper for point in chart.points], "line-strong", words("control limits"), shape),
            "showlegend": False,
        },
        _line(times, [point.centre for point in chart.points], "muted", words("centre"), shape, dash="dot"),
    ]
    values = {
        "x": times,
        "y": [point.value for point in chart.points],
        "mode": "lines+markers",
        "name": words("flagged share") if is_share else words("weighted mean"),
        "line": {"color": "token:accent", "width": 2},
        "marker": {"size": 5, "color": "token:accent"},
        "hovertemplate": hover,
    }
    out = {
        "x": [times[place] for place in marked],
        "y": [chart.points[place].value for place in marked],
        "text": [", ".join(words(RULES[rule]) for rule in chart.points[place].rules) for place in marked],
        "mode": "markers",
        "name": words("out of control"),
        "marker": {
            "size": 11,
            "color": "token:fail",
            "symbol": "diamond",
            "line": {"width": 2, "color": "token:panel"},
        },
        "hovertemplate": f"%{{x}}<br>%{{y:{format_}}}<br>%{{text}}<extra></extra>",
    }
    return {"data": [*lines, values, out], "layout": _layout(chart, since, until, zone)}


def _layout(chart: ChartAnswer, since: datetime, until: datetime, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "height": 320,
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.04, "yanchor": "bottom", "x": 0},
        "yaxis": {"tickformat": ".1%", "range": [0, _highest(chart)]}
        if chart.name is ChartName.FLAGGED
        else {"rangemode": _range_mode(chart)},
        "xaxis": {"type": "date", "range": [_on_the_wall(since, zone), _on_the_wall(until, zone)]},
        "hovermode": "closest",
    }


def _highest(chart: ChartAnswer) -> float:
    """Of the axis of shares: a point of a single part has a limit of 100 %, which must not flatten all others."""
    uppers = [point.upper for point in chart.points if point.upper is not None]
    return 1.15 * max([*(point.value for point in chart.points), median(uppers) if uppers else 0.0, 0.01])


def _range_mode(chart: ChartAnswer) -> str:
    """Of the axis of scores: where all are one value, it would lie between -1 and 1."""
    return "normal" if len({point.value for point in chart.points}) > 1 else "tozero"


def _line(
    times: list[str], values: list[float | None], colour: str, name: str, shape: str, **line: str
) -> dict[str, Any]:
    style = {"color": f"token:{colour}", "width": 1.5, "shape": shape, **line}
    return {"x": times, "y": values, "mode": "lines", "name": name, "line": style, "hoverinfo": "skip"}


def _on_the_wall(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
