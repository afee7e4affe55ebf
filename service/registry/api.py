"""Bundles and the champion over HTTP."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter

from inspection.errors import BundleError
from service.callers import Caller, Permission
from service.errors import UnfitBundle
from service.registry import operations
from service.registry.schemas import BundleAnswer, BundleList, PromotionAnswer, PromotionRequest
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/bundles", tags=["bundles"])


@router.get(
    "",
    summary="Bundles of this machine",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 503),
)
def list_bundles(runtime: RuntimeDependency) -> BundleList:
    """With the promotions so far, newest first."""
    loaded, champion_id = runtime.shelf.loaded_ids, runtime.in_force.champion.bundle_id
    return BundleList(
        items=[
            BundleAnswer(bundle_id=bundle_id, is_loaded=bundle_id in loaded, is_champion=bundle_id == champion_id)
            for bundle_id in runtime.shelf.known_ids
        ],
        promotions=operations.list_promotions(runtime.database),
    )


@router.post(
    "/promotions",
    status_code=201,
    summary="Make a bundle the champion",
    responses=problem_responses(401, 403, 413, 422, 503),
)
async def post_promotion(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.CONFIGURE)], request: PromotionRequest
) -> PromotionAnswer:
    """It is verified, self-tested and warmed up first; then it judges every image that arrives after this answer."""
    try:
        await run_sync(runtime.shelf.load, request.bundle_id)
    except BundleError as error:
        raise UnfitBundle(error.problem, error.remedy) from None
    answer = await run_sync(
        lambda: operations.promote(runtime.database, request.bundle_id, author=caller.name, note=request.note)
    )
    await runtime.in_force.refresh()
    return answer
