"""Decisions and counts over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.callers import Caller, Permission
from service.lately import Lately
from service.review import operations
from service.review.queue_filter import QueueFilter
from service.review.schemas import (
    DispositionAnswer,
    DispositionList,
    DispositionRequest,
    LeaseAnswer,
    ManyAnswer,
    ManyRequest,
    Summary,
    WaitingCount,
)
from service.review.summary import summarise
from service.web.dependencies import InspectionId, RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1", tags=["review"])


@router.post(
    "/inspections/{inspection_id}/dispositions",
    status_code=201,
    summary="Decide about an inspection",
    responses=problem_responses(401, 403, 404, 409, 413, 422, 503),
)
def post_disposition(
    runtime: RuntimeDependency,
    caller: Annotated[Caller, needs(Permission.DECIDE)],
    inspection_id: InspectionId,
    request: DispositionRequest,
) -> DispositionAnswer:
    """The verdict stays as it is. A second decision does not erase the first; the latest counts."""
    return operations.decide(runtime.database, inspection_id, request, reviewer=caller.name)


@router.post(
    "/dispositions",
    summary="Decide about several inspections at once",
    responses=problem_responses(401, 403, 413, 422, 503),
)
def post_many(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.DECIDE)], request: ManyRequest
) -> ManyAnswer:
    """Stored together. What cannot be decided, because somebody else looks at it or has decided, is left and told."""
    return operations.decide_many(runtime.database, request, reviewer=caller.name)


@router.post(
    "/inspections/{inspection_id}/lease",
    summary="Look at an inspection",
    responses=problem_responses(401, 403, 404, 422, 503),
)
def post_lease(
    runtime: RuntimeDependency,
    caller: Annotated[Caller, needs(Permission.DECIDE)],
    inspection_id: InspectionId,
    wanted: Annotated[QueueFilter, Query()],
) -> LeaseAnswer:
    """For two minutes nobody else decides about it; ask again to go on. Says who has it.

    Where a person was last, and among which parts, is kept: the queue leads back there.
    """
    return operations.take_lease(runtime.database, inspection_id, reviewer=caller.name, wanted=wanted)


@router.delete(
    "/inspections/{inspection_id}/lease",
    status_code=204,
    summary="Look away from an inspection",
    responses=problem_responses(401, 403, 404, 422, 503),
)
def delete_lease(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.DECIDE)], inspection_id: InspectionId
) -> None:
    """Others may decide about it at once."""
    operations.end_lease(runtime.database, inspection_id, reviewer=caller.name)


@router.get("/waiting", summary="How many wait for a decision", responses=problem_responses(401, 403, 422, 503))
def get_waiting(
    runtime: RuntimeDependency,
    caller: Annotated[Caller, needs(Permission.SEE_QUEUE)],
    wanted: Annotated[QueueFilter, Query()],
) -> WaitingCount:
    """Of those that are asked for, for whoever asks; quick, however many inspections there are."""
    return WaitingCount(waiting=operations.count_waiting(runtime.database, wanted, reviewer=caller.name))


@router.get(
    "/inspections/{inspection_id}/dispositions",
    summary="All decisions about an inspection",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 404, 422, 503),
)
def list_dispositions(runtime: RuntimeDependency, inspection_id: InspectionId) -> DispositionList:
    """Oldest first; the last one counts."""
    return operations.list_dispositions(runtime.database, inspection_id)


@router.get(
    "/summary",
    summary="What is stored, in counts",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 422, 503),
)
def get_summary(
    runtime: RuntimeDependency,
    days: Annotated[Lately | None, Query(description="Only the last days: quick, however many there are.")] = None,
) -> Summary:
    """By verdict and by decision. Inspections of some days are those of whole quarters of an hour, without challenge
    parts."""
    return summarise(runtime.database, None if days is None else days.since())
