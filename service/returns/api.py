"""The report on returns over HTTP, as JSON and CSV."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from service.callers import Permission
from service.csv_text import CSV_TYPE, csv_lines
from service.returns import operations
from service.returns.schemas import Returns, ReturnsQuery
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/returns", tags=["reports"], dependencies=[needs(Permission.SEE_QUEUE)])


@router.get("", summary="What inspection is worth", responses=problem_responses(401, 403, 404, 422, 503))
def get_returns(runtime: RuntimeDependency, query: Annotated[ReturnsQuery, Query()]) -> Returns:
    """Escapes avoided, overkill, review time, costs and payback, from counted parts and the given inputs."""
    return operations.report(runtime, query)


@router.get(
    ".csv",
    summary="The same as a table",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}, **problem_responses(401, 403, 404, 422, 503)},
)
def get_returns_csv(runtime: RuntimeDependency, query: Annotated[ReturnsQuery, Query()]) -> Response:
    """One row a figure, with what kind of figure it is."""
    found = operations.report(runtime, query)
    about = [("period", name, getattr(found, name)) for name in ("station", "first_day", "last_day", "months")]
    parts = [
        (kind, name, value)
        for kind, model in (
            ("input", found.inputs),
            ("counted", found.counted),
            ("spot checks", found.escapes),
            ("money", found.money),
        )
        if model is not None
        for name, value in model
        if name not in ("station", "first_day", "last_day")
    ]
    headers = {"Content-Disposition": 'attachment; filename="returns.csv"', "Cache-Control": "no-store"}
    text = "".join(csv_lines(("kind", "name", "value"), [*about, *parts]))
    return Response(text, media_type=CSV_TYPE, headers=headers)
