"""The report as a page that can be edited and printed, and the parts behind each of its numbers."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from starlette.requests import Request

from service.callers import Permission
from service.returns import operations
from service.returns.schemas import PartsOf, ReturnsQuery
from service.review.operations import Decision
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.languages import mark
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])
TITLES = {
    PartsOf.INSPECTED: mark("Inspected parts"),
    PartsOf.FLAGGED: mark("Held and failed parts"),
    PartsOf.CAUGHT: mark("Caught defects"),
    PartsOf.FALSE_ALARMS: mark("False alarms"),
    PartsOf.OVERKILL: mark("Good parts that failed"),
    PartsOf.DECIDED: mark("Decided parts"),
    PartsOf.MISSED: mark("Defects that had passed"),
    PartsOf.CHECKED: mark("Passed parts that were drawn and decided"),
}
DECISIONS = {
    Decision.CONFIRMED_DEFECT: mark("confirmed defect"),
    Decision.FALSE_ALARM: mark("false alarm"),
    Decision.UNCLEAR: mark("unclear"),
}


def read_query(request: Request) -> ReturnsQuery:
    """From a page's address; empty fields of a form ask for nothing. Raises RequestValidationError."""
    given = {name: value for name, value in request.query_params.items() if value.strip()}
    try:
        return ReturnsQuery.model_validate(given)
    except ValidationError as error:
        faults = [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from None


@router.get("/returns")
def get_returns_page(visit: VisitDependency, runtime: RuntimeDependency, request: Request) -> HTMLResponse:
    """What inspection found, what it cost, and when it has paid for itself."""
    query = read_query(request)
    found = operations.report(runtime, query)
    return visit.show("returns/returns.html", found=found, inputs=query, address=_address(query))


@router.get("/returns/parts")
def get_parts_page(
    visit: VisitDependency,
    runtime: RuntimeDependency,
    request: Request,
    of: Annotated[PartsOf, Query()] = PartsOf.CAUGHT,
    below: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> HTMLResponse:
    """The parts behind one of the report's numbers."""
    query = read_query(request)
    page = operations.find_parts(runtime, of, query, below_id=below)
    return visit.show(
        "returns/parts.html",
        page=page,
        of=of,
        title=visit.words(TITLES[of]),
        decisions={one: visit.words(message) for one, message in DECISIONS.items()},
        address=_address(query),
    )


def _address(query: ReturnsQuery) -> str:
    """What was asked for, as an address has it."""
    return urlencode(query.model_dump(mode="json", exclude_defaults=True, exclude_none=True))
