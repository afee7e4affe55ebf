"""Exports over HTTP."""

from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse

from service.callers import Caller, Permission
from service.csv_text import CSV_TYPE
from service.errors import NotFound
from service.export import operations
from service.export.operations import SHEETS
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/export", tags=["reports"])


@router.get(
    "/{sheet}",
    summary="A table of the record as CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}, **problem_responses(401, 403, 404, 422, 503)},
)
def get_export(
    runtime: RuntimeDependency,
    caller: Annotated[Caller, needs(Permission.SEE_QUEUE)],
    sheet: Annotated[str, Path(description="Which table.", examples=["inspections"])],
    above: Annotated[int, Query(ge=0, le=2**63 - 1, description="Only rows after this key: go on from there.")] = 0,
) -> StreamingResponse:
    """Streamed, however many rows there are; the audit trail for those who may read it."""
    wanted = SHEETS.get(sheet)
    if wanted is None:
        raise NotFound(f"sheet {sheet[:40]!r}: does not exist", f"take one of {', '.join(SHEETS)}")
    caller.require(wanted.permission)
    headers = {"Content-Disposition": f'attachment; filename="{wanted.name}.csv"', "Cache-Control": "no-store"}
    lines = operations.stream_csv(runtime.database, wanted, above=above)
    # The first piece is made before the answer begins: a database that is gone is still told as an error.
    return StreamingResponse(chain([next(lines)], lines), media_type=CSV_TYPE, headers=headers)
