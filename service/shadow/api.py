"""Challengers in shadow, over HTTP."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path

from inspection.errors import BundleError
from service.callers import Caller, Permission
from service.errors import UnfitBundle
from service.shadow import operations
from service.shadow.schemas import FlipList, TrialList, TrialRequest
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/shadow", tags=["shadow"])
ChallengerId = Annotated[str, Path(pattern=r"^bundle-[0-9a-f]{16}$", description="The challenger's bundle.")]


@router.get(
    "",
    summary="Challengers that score, or scored, beside the champion",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 503),
)
def list_trials(runtime: RuntimeDependency) -> TrialList:
    """The newest first, with what each has cost."""
    return operations.list_trials(runtime.database)


@router.post(
    "",
    status_code=201,
    summary="Let a challenger score live parts, without effect",
    responses=problem_responses(401, 403, 409, 413, 422, 503),
)
async def post_trial(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.CONFIGURE)], request: TrialRequest
) -> TrialList:
    """On parts that are on record already, at the lowest priority, and only while no camera waits for its verdict."""
    try:
        await run_sync(runtime.shelf.load, request.bundle_id)
    except BundleError as error:
        raise UnfitBundle(error.problem, error.remedy) from None
    await run_sync(
        lambda: operations.start(
            runtime.database,
            request.bundle_id,
            stations=request.stations,
            author=caller.name,
            sample_rate=request.sample_rate,
        )
    )
    await run_sync(runtime.shadow.follow)
    return await run_sync(operations.list_trials, runtime.database)


@router.get(
    "/{challenger_id}/flips",
    summary="Parts whose verdict would be another one",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 404, 422, 503),
)
def list_flips(runtime: RuntimeDependency, challenger_id: ChallengerId) -> FlipList:
    """The most different first, up to 500."""
    return FlipList(items=operations.list_flips(runtime.database, challenger_id))


@router.post(
    "/{challenger_id}/stop",
    summary="Let a challenger score no more",
    responses=problem_responses(401, 403, 422, 503),
)
async def post_stop(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.CONFIGURE)], challenger_id: ChallengerId
) -> TrialList:
    """What it found stays."""
    await run_sync(lambda: operations.stop(runtime.database, challenger_id, author=caller.name))
    await run_sync(runtime.shadow.follow)
    return await run_sync(operations.list_trials, runtime.database)
