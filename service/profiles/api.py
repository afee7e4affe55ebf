"""Station profiles over HTTP."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query

from inspection.errors import BundleError
from service.callers import Caller, Permission
from service.errors import UnfitBundle
from service.labels import Label
from service.profiles import operations
from service.profiles.schemas import FollowRequest, ProfileAnswer, ProfileList, ProfileRequest
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/profiles", tags=["profiles"])


@router.get("", summary="Versions of profiles", responses=problem_responses(401, 403, 422, 503))
def list_profiles(
    runtime: RuntimeDependency,
    caller: Annotated[Caller, needs(Permission.READ_RECORD)],
    station: Annotated[Label | None, Query(description="Only of this station.")] = None,
) -> ProfileList:
    """Newest first; the highest version of a station is in force."""
    caller.require_station(station)
    return operations.list_profiles(runtime.database, station)


@router.post(
    "",
    status_code=201,
    summary="Change what a station runs",
    responses=problem_responses(401, 403, 409, 413, 422, 503),
)
async def post_profile(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.CONFIGURE)], request: ProfileRequest
) -> ProfileAnswer:
    """In force with this answer; images under way are judged as they began. Its bundle is loaded and tested first."""
    if request.profile.bundle_id is not None:
        try:
            await run_sync(runtime.shelf.load, request.profile.bundle_id)
        except BundleError as error:
            raise UnfitBundle(error.problem, error.remedy) from None
    answer = await run_sync(lambda: operations.set_profile(runtime.database, request, author=caller.name))
    await runtime.in_force.refresh()
    return answer


@router.post(
    "/followings",
    status_code=201,
    summary="Let a station follow the champion again",
    responses=problem_responses(401, 403, 409, 413, 422, 503),
)
async def post_following(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.CONFIGURE)], request: FollowRequest
) -> ProfileAnswer:
    """Its profile loses the bundle it names, and limits that hold for that bundle only; all else stays."""
    answer = await run_sync(lambda: operations.follow_champion(runtime.database, request, author=caller.name))
    await runtime.in_force.refresh()
    return answer
