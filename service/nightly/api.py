"""Nights, the golden set and pictures kept out of training, over HTTP."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query

from inspection.errors import BundleError, ConfigError
from service.callers import Caller, Permission
from service.errors import NotFound, UnfitBundle
from service.labels import Label
from service.nightly import golden, kept_out, operations
from service.nightly.schemas import (
    GoldenAnswer,
    GoldenPartAnswer,
    GoldenRemovalRequest,
    GoldenRequest,
    KeptOutList,
    KeptOutRequest,
    NightAnswer,
    NightList,
    NightRequest,
    WordRequest,
)
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1", tags=["nights"])
Engineer = Annotated[Caller, needs(Permission.CONFIGURE)]
_MAY_LOOK = [needs(Permission.SEE_QUEUE)]


@router.get("/nights", summary="Nights", dependencies=_MAY_LOOK, responses=problem_responses(401, 403, 422, 503))
def list_nights(
    runtime: RuntimeDependency,
    line: Annotated[Label | None, Query(description="Only of this line.")] = None,
    limit: Annotated[int, Query(ge=1, le=400)] = 31,
) -> NightList:
    """The newest first, each with how it came out."""
    return operations.list_nights(runtime.database, line=line, limit=limit)


@router.post(
    "/nights", status_code=201, summary="Ask for a night now", responses=problem_responses(401, 403, 404, 413, 422, 503)
)
def post_night(runtime: RuntimeDependency, caller: Engineer, request: NightRequest) -> NightAnswer:
    """`python -m service nightly` takes it up, where it runs. One of the line that is under way is joined."""
    try:
        return operations.ask_for_night(runtime.database, runtime.nights, request, author=caller.name)
    except ConfigError as error:
        raise NotFound(error.problem, error.remedy) from None


@router.post(
    "/nights/words",
    status_code=201,
    summary="Promote a challenger that waits, or keep the champion",
    responses=problem_responses(401, 403, 404, 409, 413, 422, 503),
)
async def post_word(runtime: RuntimeDependency, caller: Engineer, request: WordRequest) -> NightAnswer:
    """A challenger is verified, self-tested and warmed up first; then it judges every image after this answer."""
    challenger_id = await run_sync(operations.find_waiting_challenger, runtime.database, request.night)
    if request.word == "promote":
        try:
            await run_sync(runtime.shelf.load, challenger_id)
        except BundleError as error:
            raise UnfitBundle(error.problem, error.remedy) from None
    answer = await run_sync(lambda: operations.give_word(runtime.database, runtime.nights, request, author=caller.name))
    await runtime.in_force.refresh()
    return answer


@router.get("/golden", summary="The golden set", dependencies=_MAY_LOOK, responses=problem_responses(401, 403, 503))
def get_golden(runtime: RuntimeDependency) -> GoldenAnswer:
    """Reviewed parts that the gate judges by, and no night learns from."""
    return operations.read_golden_set(runtime.database)


@router.post(
    "/golden",
    status_code=201,
    summary="Add a part to the golden set, or correct its truth",
    responses=problem_responses(401, 403, 404, 409, 413, 422, 503),
)
def post_golden(runtime: RuntimeDependency, caller: Engineer, request: GoldenRequest) -> GoldenPartAnswer:
    """What was decided by it before stays on record."""
    return operations.change_golden(runtime.database, request, author=caller.name)


@router.post(
    "/golden/removals",
    status_code=201,
    summary="Take a part out of the golden set",
    responses=problem_responses(401, 403, 404, 413, 422, 503),
)
def post_golden_removal(runtime: RuntimeDependency, caller: Engineer, request: GoldenRemovalRequest) -> GoldenAnswer:
    """Gives back the set without it."""
    golden.remove(runtime.database, request.inspection_id, author=caller.name, note=request.note)
    return operations.read_golden_set(runtime.database)


@router.get(
    "/kept-out", summary="Pictures kept out", dependencies=_MAY_LOOK, responses=problem_responses(401, 403, 503)
)
def list_kept_out(runtime: RuntimeDependency) -> KeptOutList:
    """Of training, by a person, each with its reason."""
    return operations.list_kept_out(runtime.database)


@router.post(
    "/kept-out",
    status_code=201,
    summary="Keep a picture out of training, or let it in again",
    responses=problem_responses(401, 403, 404, 409, 413, 422, 503),
)
def post_kept_out(runtime: RuntimeDependency, caller: Engineer, request: KeptOutRequest) -> KeptOutList:
    """From the next night on. Gives back all that are kept out then."""
    kept_out.change(
        runtime.database, [request.inspection_id], is_kept_out=request.kept_out, why=request.why, author=caller.name
    )
    return operations.list_kept_out(runtime.database)
