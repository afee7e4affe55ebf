"""Defect names over HTTP: how often each was found, and what they are called."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from service.callers import Caller, Permission
from service.defect_names import operations
from service.defect_names.pareto import count_defects
from service.defect_names.schemas import (
    NameChangeAnswer,
    NameChangeList,
    NameChangeRequest,
    ParetoQuery,
    ParetoReport,
)
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/defect-names", tags=["defect names"])


@router.get(
    "/pareto",
    summary="Confirmed defects by name, station or lot",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 422, 503),
)
def get_pareto(runtime: RuntimeDependency, asked: Annotated[ParetoQuery, Query()]) -> ParetoReport:
    """The most frequent first, by what defects are called today."""
    return count_defects(runtime.database, asked)


@router.get(
    "/changes",
    summary="How names changed",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 503),
)
def list_changes(runtime: RuntimeDependency) -> NameChangeList:
    """Newest first, those that were taken back among them."""
    return operations.list_changes(runtime.database)


@router.post(
    "/changes",
    status_code=201,
    summary="Rename a defect, or merge two",
    responses=problem_responses(401, 403, 409, 413, 422, 503),
)
def post_change(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.CONFIGURE)], request: NameChangeRequest
) -> NameChangeAnswer:
    """Decisions keep the name that was given; it is read as what it is called today."""
    return operations.change_name(runtime.database, request, author=caller.name)


@router.post(
    "/changes/{change_id}/taking-back",
    summary="Take a change back",
    responses=problem_responses(401, 403, 404, 409, 413, 422, 503),
)
def post_taking_back(
    runtime: RuntimeDependency,
    caller: Annotated[Caller, needs(Permission.CONFIGURE)],
    change_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
) -> NameChangeAnswer:
    """As if it had never been made; the history keeps it."""
    return operations.take_back(runtime.database, change_id, author=caller.name)
