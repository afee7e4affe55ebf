"""Challenge parts over HTTP."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter

from service.callers import Caller, Permission
from service.challenge import operations
from service.challenge.schemas import (
    ActAnswer,
    ActRequest,
    ChallengePartAnswer,
    ChallengePartRequest,
    Challenges,
    RetirementRequest,
)
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/challenges", tags=["challenges"])
Engineer = Annotated[Caller, needs(Permission.CONFIGURE)]


@router.get(
    "",
    summary="Challenge parts of all stations",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 503),
)
def get_challenges(runtime: RuntimeDependency) -> Challenges:
    """How each station stands in this shift, and what was shown and done in the last 30 days."""
    return operations.describe(runtime.database, runtime.challenge, runtime.shifts)


@router.post(
    "/parts",
    status_code=201,
    summary="Register a challenge part",
    responses=problem_responses(401, 403, 409, 413, 422, 503),
)
async def post_challenge_part(
    runtime: RuntimeDependency, caller: Engineer, request: ChallengePartRequest
) -> ChallengePartAnswer:
    """A part whose truth is known. From the next shift on its station holds every part until it was judged rightly."""
    answer = await run_sync(lambda: operations.register(runtime.database, request, actor=caller.name))
    await runtime.challenge.refresh()
    return answer


@router.post(
    "/retirements",
    status_code=201,
    summary="Retire a challenge part",
    responses=problem_responses(401, 403, 404, 409, 413, 422, 503),
)
async def post_retirement(
    runtime: RuntimeDependency, caller: Engineer, request: RetirementRequest
) -> ChallengePartAnswer:
    """It is asked for no more, from now on."""
    answer = await run_sync(lambda: operations.retire(runtime.database, request.challenge_part_id, actor=caller.name))
    await runtime.challenge.refresh()
    return answer


@router.post(
    "/acts",
    status_code=201,
    summary="Open a station, or have it challenged again",
    responses=problem_responses(401, 403, 404, 413, 422, 503),
)
async def post_act(runtime: RuntimeDependency, caller: Engineer, request: ActRequest) -> ActAnswer:
    """An engineer's word, for the rest of the shift. It is in the audit trail with its reason."""
    answer = await run_sync(lambda: operations.act(runtime.database, request, actor=caller.name))
    await runtime.challenge.refresh()
    return answer
