"""Bundles and the champion over HTTP."""

import time
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter

from inspection.errors import BundleError, ConfigError
from service.callers import Caller, Permission
from service.errors import NotFound, UnfitBundle
from service.registry import operations
from service.registry.operations import Scope
from service.registry.schemas import (
    AnchorAnswer,
    AnchorRequest,
    BundleAnswer,
    BundleId,
    BundleList,
    BundleStory,
    PromotionAnswer,
    PromotionRequest,
    RescoringAnswer,
    RescoringRequest,
    RollbackAnswer,
    RollbackRequest,
)
from service.runtime import Runtime
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/bundles", tags=["bundles"])
Engineer = Annotated[Caller, needs(Permission.CONFIGURE)]


@router.get(
    "",
    summary="Bundles of this machine",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 503),
)
def list_bundles(runtime: RuntimeDependency) -> BundleList:
    """With the promotions so far, newest first."""
    loaded = runtime.shelf.loaded_ids
    champion_ids = {champion.bundle_id for champion in runtime.in_force.champions.values()}
    return BundleList(
        items=[
            BundleAnswer(bundle_id=bundle_id, is_loaded=bundle_id in loaded, is_champion=bundle_id in champion_ids)
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
    responses=problem_responses(401, 403, 404, 409, 413, 422, 503),
)
async def post_rollback(runtime: RuntimeDependency, caller: Engineer, request: RollbackRequest) -> RollbackAnswer:
    """It stays loaded for this: the next image is judged by it. The answer says how long that took."""
    began = time.perf_counter()
    scope = _scope_of(runtime, request.line)
    previous_id = await run_sync(operations.get_previous_id, runtime.database, scope)
    await _make_ready(runtime, previous_id)
    answer = await run_sync(
        lambda: operations.roll_back(
            runtime.database, author=caller.name, note=request.note, from_id=request.from_id, scope=scope
        )
    )
    await runtime.in_force.refresh()
    return RollbackAnswer(**answer.model_dump(), took_ms=round((time.perf_counter() - began) * 1e3, 1))


@router.post(
    "/rescorings",
    status_code=201,
    summary="Score parts again that another bundle judged",
    responses=problem_responses(401, 403, 413, 422, 503),
)
def post_rescoring(runtime: RuntimeDependency, caller: Engineer, request: RescoringRequest) -> RescoringAnswer:
    """By the champion, some hundred at a time. Parts that passed and would be flagged wait for a person then."""
    with runtime.database.reading() as session:
        champion = runtime.in_force.champion_of(operations.find_scope(session, request.judged_by))
    found = operations.rescore(runtime.database, runtime.image_store, champion, request.judged_by, author=caller.name)
    return RescoringAnswer.model_validate(found, from_attributes=True)


@router.post(
    "/promotions",
    status_code=201,
    summary="Make a bundle the champion",
    responses=problem_responses(401, 403, 404, 413, 422, 503),
)
async def post_promotion(runtime: RuntimeDependency, caller: Engineer, request: PromotionRequest) -> PromotionAnswer:
    """It is verified, self-tested and warmed up first; then it judges every image that arrives after this answer."""
    scope = _scope_of(runtime, request.line)
    await _make_ready(runtime, request.bundle_id)
    answer = await run_sync(
        lambda: operations.promote(
            runtime.database, request.bundle_id, author=caller.name, note=request.note, scope=scope
        )
    )
    await runtime.in_force.refresh()
    return answer


@router.post(
    "/anchors",
    status_code=201,
    summary="Choose the anchor",
    responses=problem_responses(401, 403, 404, 413, 422, 503),
)
async def post_anchor(runtime: RuntimeDependency, caller: Engineer, request: AnchorRequest) -> AnchorAnswer:
    """From the next night on every challenger is compared with it too. Without a choice it is the first champion."""
    scope = _scope_of(runtime, request.line)
    await _make_ready(runtime, request.bundle_id)
    return await run_sync(
        lambda: operations.choose_anchor(
            runtime.database, request.bundle_id, author=caller.name, note=request.note, scope=scope
        )
    )


def _scope_of(runtime: Runtime, line: str | None) -> Scope:
    try:
        return runtime.nights.scope_of(line)
    except ConfigError as error:
        raise NotFound(error.problem, error.remedy) from None


async def _make_ready(runtime: Runtime, bundle_id: str) -> None:
    """Loaded, self-tested and warm, unless that is done already."""
    try:
        await run_sync(runtime.shelf.load, bundle_id)
    except BundleError as error:
        raise UnfitBundle(error.problem, error.remedy) from None
