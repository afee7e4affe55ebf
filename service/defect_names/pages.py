"""The page of defect names: how often each was found, and what they are called."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.defect_names import operations
from service.defect_names.pareto import count_defects, find_names
from service.defect_names.schemas import ParetoPageQuery, ParetoReport
from service.lately import SPANS
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.visit import Visit, VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])
_BARS_SHOWN, _LEAST_PLACES = 20, 5


@router.get("/defect-names")
def get_defect_names(
    visit: VisitDependency, runtime: RuntimeDependency, asked: Annotated[ParetoPageQuery, Query()]
) -> HTMLResponse:
    """Pareto, names and their history."""
    report = count_defects(runtime.database, asked.to_query())
    return visit.show_charts(
        "defect_names/defect_names.html",
        report=report,
        asked=asked,
        spans={span.value: visit.words(message) for span, message in SPANS.items()},
        figure=_figure(report, visit),
        names=find_names(runtime.database),
        changes=operations.list_changes(runtime.database).items,
    )


def _figure(report: ParetoReport, visit: Visit) -> dict[str, Any]:
    """Bars for counts, and a line for the share up to each."""
    bars = report.bars[:_BARS_SHOWN]
    # Numbered and not named: two that are cut to the same words would fall together.
    places = list(range(len(bars)))
    names = [bar.key if bar.key is not None else visit.words("without a name") for bar in bars]
    shares = [bar.share_up_to_here for bar in bars]
    small = {"size": 13}
    count, share = visit.words("Confirmed defects"), visit.words("Share up to here")
    return {
        "data": [
            {"type": "bar", "name": count, "x": places, "y": [bar.count for bar in bars], "text": names}
            | {"textposition": "none", "hovertemplate": "%{text}: %{y}<extra></extra>"}
            | {"marker": {"color": "token:accent"}},
            {"type": "scatter", "mode": "lines+markers", "name": share, "x": places, "y": shares, "yaxis": "y2"}
            | {"text": names, "hovertemplate": "%{text}: %{y:.0%}<extra></extra>"}
            | {"line": {"color": "token:hold", "width": 2}},
        ],
        "layout": {
            "height": 340,
            "bargap": 0.45,
            # Few bars must not become walls.
            "xaxis": {"range": [-0.6, max(len(bars), _LEAST_PLACES) - 0.4], "tickvals": places, "ticktext": names}
            | {"showgrid": False, "zeroline": False},
            "yaxis": {"title": {"text": count, "font": small}, "rangemode": "tozero", "tickformat": ",d", "nticks": 6},
            "yaxis2": {"overlaying": "y", "side": "right", "range": [0, 1.04], "tickformat": ".0%", "showgrid": False}
            | {"title": {"text": share, "font": small}},
            "showlegend": False,
        },
    }
