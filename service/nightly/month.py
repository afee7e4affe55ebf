"""A month of nights as plotly draws it: see `service.web.charts`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from service.nightly.schemas import NightAnswer
from service.nightly.tables import NightState

Words: TypeAlias = Callable[..., str]
_AUROC_PLACE, _RATE_PLACE, _DATA_PLACE = [0.72, 1.0], [0.34, 0.62], [0.0, 0.24]


def draw(nights: Sequence[NightAnswer], words: Words, zone: ZoneInfo) -> dict[str, Any]:
    """Three rows over one axis of nights, oldest first: AUROC on the golden set, escapes and overkill, size of data."""
    ordered = list(reversed(nights))
    names = [f"{(night.began_at or night.asked_at).astimezone(zone):%m-%d %H:%M}" for night in ordered]
    promoted = [place for place, night in enumerate(ordered) if night.state is NightState.PROMOTED]
    kept = [place for place in range(len(ordered)) if place not in promoted]
    auroc = [_in_force(night, "auroc") for night in ordered]
    data = [
        _line(names, auroc, words("AUROC, what judges after the night"), "accent", "y"),
        _marks(names, auroc, promoted, words("promoted"), "pass", "diamond"),
        _marks(names, auroc, kept, words("kept"), "muted", "circle"),
        _line(names, [_rate(night, "escapes") for night in ordered], words("escapes"), "fail", "y2"),
        _line(names, [_rate(night, "overkill") for night in ordered], words("overkill"), "hold", "y2"),
        {
            "x": names,
            "y": [night.figures.get("learned_count") for night in ordered],
            "type": "bar",
            "name": words("pictures learned from"),
            "marker": {"color": "token:line-strong"},
            "yaxis": "y3",
        },
    ]
    layout = {
        "height": 460,
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.03, "yanchor": "bottom", "x": 0},
        "xaxis": {"type": "category", "anchor": "y3", "nticks": 10},
        "yaxis": {"domain": _AUROC_PLACE, "tickformat": ".3f", "nticks": 4},
        "yaxis2": {"domain": _RATE_PLACE, "tickformat": ".1%", "rangemode": "tozero", "nticks": 4},
        "yaxis3": {"domain": _DATA_PLACE, "rangemode": "tozero", "nticks": 3},
        "hovermode": "x unified",
    }
    return {"data": data, "layout": layout}


def _in_force(night: NightAnswer, name: str) -> float | None:
    """Of what judges after the night: the challenger where it was promoted, else the champion."""
    who = "challenger" if night.state is NightState.PROMOTED else "champion"
    value: float | None = night.figures.get(f"{who}_{name}")
    return value


def _rate(night: NightAnswer, name: str) -> float | None:
    who = "challenger" if night.state is NightState.PROMOTED else "champion"
    count, wrong = night.figures.get(f"{name}_count"), night.figures.get(f"{name}_{who}")
    return None if not count or wrong is None else wrong / count


def _line(names: list[str], values: Sequence[float | None], name: str, colour: str, axis: str) -> dict[str, Any]:
    return {
        "x": names,
        "y": list(values),
        "mode": "lines+markers",
        "name": name,
        "line": {"color": f"token:{colour}", "width": 2},
        "marker": {"size": 5},
        "yaxis": axis,
        # A night without a gate has no figures; the line goes on over it.
        "connectgaps": True,
    }


def _marks(
    names: list[str], values: Sequence[float | None], places: list[int], name: str, colour: str, symbol: str
) -> dict[str, Any]:
    return {
        "x": [names[place] for place in places],
        "y": [values[place] for place in places],
        "mode": "markers",
        "name": name,
        "marker": {"size": 11, "color": f"token:{colour}", "symbol": symbol},
        "hoverinfo": "skip",
    }
