"""Bundles and the champion over HTTP."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter

from inspection.errors import BundleError
from service.callers import Caller, Permission
from service.errors import UnfitBundle
from service.registry import operations
from service.registry.schemas import (
    BundleAnswer,
    BundleId,
    BundleList,
    BundleStory,
    PromotionAnswer,
    PromotionRequest,
    RescoringAnswer,
    RescoringRequest,
    RollbackRequest,
)
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


@router.get(
    "/{bundle_id}",
    summary="Where a bundle comes from",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 404, 422, 503),
)
def get_bundle(runtime: RuntimeDependency, bundle_id: BundleId) -> BundleStory:
    """Parent, pictures, recipe and gate of its night, and who promoted it."""
    return operations.tell_story(runtime.database, bundle_id)


@router.post(
    "/rollbacks",
    status_code=201,
    summary="Bring the champion before back",
    responses=problem_responses(401, 403, 409, 413, 422, 503),
)
async def post_rollback(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.CONFIGURE)], request: RollbackRequest
) -> PromotionAnswer:
    """It stays loaded for this: the next image is judged by it."""
    previous_id = await run_sync(operations.get_previous_id, runtime.database)
    try:
        await run_sync(runtime.shelf.load, previous_id)
    except BundleError as error:
        raise UnfitBundle(error.problem, error.remedy) from None
    answer = await run_sync(
        lambda: operations.roll_back(runtime.database, author=caller.name, note=request.note, from_id=request.from_id)
    )
    await runtime.in_force.refresh()
    return answer


@router.post(
    "/rescorings",
    status_code=201,
    summary="Score parts again that another bundle judged",
    responses=problem_responses(401, 403, 413, 422, 503),
)
def post_rescoring(
    runtime: RuntimeDependency, caller: Annotated[Caller, needs(Permission.CONFIGURE)], request: RescoringRequest
) -> RescoringAnswer:
    """By the champion, some hundred at a time. Parts that passed and would be flagged wait for a person then."""
    found = operations.rescore(
        runtime.database, runtime.image_store, runtime.inspector, request.judged_by, author=caller.name
    )
    return RescoringAnswer.model_validate(found, from_attributes=True)


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
