"""Drift over HTTP."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path

from service.callers import Caller, Permission
from service.drift import operations
from service.drift.schemas import DriftAlarmAnswer, DriftAnswer, DriftEndRequest
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/drift", tags=["drift"])


@router.get(
    "",
    summary="How every station's scores do",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 503),
)
def get_drift(runtime: RuntimeDependency) -> DriftAnswer:
    """With the alarms that stand, and those that are over."""
    return operations.get_drift(runtime.database)


@router.post(
    "/{alarm_id}/end",
    summary="End an alarm",
    responses=problem_responses(401, 403, 404, 409, 413, 422, 503),
)
async def post_end(
    runtime: RuntimeDependency,
    caller: Annotated[Caller, needs(Permission.CONFIGURE)],
    alarm_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
    request: DriftEndRequest,
) -> DriftAlarmAnswer:
    """The limits are as calibrated again with this answer, and the station is learned anew. On record with the note."""
    answer = await run_sync(
        lambda: operations.end_alarm(runtime.database, alarm_id, author=caller.name, note=request.note)
    )
    await runtime.in_force.refresh()
    return answer
