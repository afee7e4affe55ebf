"""The page of the control charts."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.drift.operations import KINDS
from service.labels import Label
from service.trends import operations
from service.trends.control_charts import BASELINE_COUNT, MIN_BASELINE
from service.trends.figures import RULES, draw
from service.trends.schemas import ChartAnswer, ChartName, Span
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.languages import mark
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])
SPANS = {
    Span.HOURS: mark("72 hours, by hour"),
    Span.SHIFTS: mark("30 days, by shift"),
    Span.DAYS: mark("90 days, by day"),
}
TITLES = {
    ChartName.FLAGGED: (mark("Flagged parts"), mark("The share of held and failed parts.")),
    ChartName.LOCAL: (mark("Local score"), mark("Weighted mean (EWMA). It moves where the product changes.")),
    ChartName.GLOBAL: (
        mark("Global score"),
        mark("Weighted mean (EWMA). It moves where the camera or the light changes."),
    ),
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """One chart with its words and its figure."""

    chart: ChartAnswer
    title: str
    meaning: str
    figure: dict[str, Any]
    has_limits: bool
    marked_count: int


@router.get("/trends")
def get_trends_page(
    visit: VisitDependency,
    runtime: RuntimeDependency,
    station: Annotated[Label | None, Query()] = None,
    span: Annotated[Span, Query()] = Span.SHIFTS,
) -> HTMLResponse:
    """Of one station, or of the first there is."""
    stations = operations.find_stations(runtime)
    chosen = station or next(iter(stations), None)
    if chosen is None:
        return visit.show("no_station.html", title=visit.words("Trends"))
    trends = operations.read_trends(runtime, chosen, span)
    shown = [
        _Shown(
            chart=chart,
            title=visit.words(TITLES[chart.name][0]),
            meaning=visit.words(TITLES[chart.name][1]),
            figure=draw(chart, trends.since, trends.until, visit.words, runtime.shifts.zone),
            has_limits=any(point.upper is not None for point in chart.points),
            marked_count=sum(bool(point.rules) for point in chart.points),
        )
        for chart in trends.charts
    ]
    return visit.show_charts(
        "trends/trends.html",
        trends=trends,
        stations=stations,
        shown=shown,
        drift=operations.find_drift(runtime, chosen),
        drift_words={kind: visit.words(message) for kind, message in KINDS.items()},
        spans={one: visit.words(message) for one, message in SPANS.items()},
        rules={rule: visit.words(message) for rule, message in RULES.items()},
        baseline_count=BASELINE_COUNT,
        min_baseline=MIN_BASELINE,
    )
