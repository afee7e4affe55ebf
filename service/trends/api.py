"""Trends over HTTP, as JSON and CSV."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from service.callers import Permission
from service.csv_text import CSV_TYPE, csv_lines
from service.labels import Label
from service.trends import operations
from service.trends.schemas import PointAnswer, Span, Trends
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/trends", tags=["reports"], dependencies=[needs(Permission.SEE_QUEUE)])
StationQuery = Annotated[Label, Query(description="Of which station.", examples=["press-3"])]
_COLUMNS = tuple(PointAnswer.model_fields)


@router.get("", summary="Control charts of a station", responses=problem_responses(401, 403, 404, 422, 503))
def get_trends(runtime: RuntimeDependency, station: StationQuery, span: Span = Span.SHIFTS) -> Trends:
    """The flagged share and both scores, with limits and the rules that each point breaks."""
    return operations.read_trends(runtime, station, span)


@router.get(
    ".csv",
    summary="The same as a table",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}, **problem_responses(401, 403, 404, 422, 503)},
)
def get_trends_csv(runtime: RuntimeDependency, station: StationQuery, span: Span = Span.SHIFTS) -> Response:
    """One row a point."""
    trends = operations.read_trends(runtime, station, span)
    rows = (
        [chart.name, *(_plain(getattr(point, column)) for column in _COLUMNS)]
        for chart in trends.charts
        for point in chart.points
    )
    headers = {"Content-Disposition": 'attachment; filename="trends.csv"', "Cache-Control": "no-store"}
    return Response("".join(csv_lines(("chart", *_COLUMNS), rows)), media_type=CSV_TYPE, headers=headers)


def _plain(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value
