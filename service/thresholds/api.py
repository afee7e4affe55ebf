"""Thresholds over HTTP."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from service.callers import Caller, Permission
from service.thresholds import operations
from service.thresholds.schemas import (
    ProposalAnswer,
    ProposalQuery,
    ThresholdsAnswer,
    ThresholdsRequest,
    WhatIfAnswer,
    WhatIfQuery,
)
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/thresholds", tags=["thresholds"])


@router.get(
    "/what-if",
    summary="What other limits would mean",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 404, 409, 422, 503),
)
def get_what_if(runtime: RuntimeDependency, query: Annotated[WhatIfQuery, Query()]) -> WhatIfAnswer:
    """Escapes, overkill, review time and cost, each with its interval, on parts that no proposal was fitted on."""
    try:
        limits = query.limits
    except ValidationError as error:
        told = [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(told) from None
    return operations.try_limits(operations.set_up(runtime, query.station), limits, query)


@router.get(
    "/proposal",
    summary="The cheapest limits",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 404, 409, 422, 503),
)
def get_proposal(runtime: RuntimeDependency, query: Annotated[ProposalQuery, Query()]) -> ProposalAnswer:
    """Fitted on one half of the parts; the figures are of the other half."""
    return operations.find_proposal(operations.set_up(runtime, query.station), query)


@router.post(
    "",
    status_code=201,
    summary="Bring limits into force",
    responses=problem_responses(401, 403, 409, 413, 422, 503),
)
async def post_thresholds(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.CONFIGURE)], request: ThresholdsRequest
) -> ThresholdsAnswer:
    """As a new version of the station's profile, which stays with this bundle; the audit trail says who and why."""
    answer = await run_sync(lambda: operations.apply(runtime, request, author=caller.name))
    await runtime.in_force.refresh()
    return answer
