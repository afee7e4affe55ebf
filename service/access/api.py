"""Signing in and out."""

from typing import Annotated

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from service.access.doorkeeper import Doorkeeper
from service.access.oidc_pages import PROVIDER_LANES, sign_on_of
from service.access.schemas import (
    LinkRequest,
    OwnPasswordAnswer,
    OwnPasswordRequest,
    PasswordRequest,
    SessionAnswer,
    SignedOutAnswer,
)
from service.access.session_cookie import address_of, delete_session_cookie, set_session_cookie
from service.access.tables import Means
from service.callers import Caller, Permission
from service.errors import NotSignedIn
from service.web.guard import SESSION_COOKIE, needs, open_to_all, refuse_foreign_pages
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/session", tags=["access"])
# A password costs memory and a core for a tenth of a second: never more of them at once than these.
_HASHING = CapacityLimiter(2)


@router.post(
    "",
    status_code=201,
    summary="Sign in by password",
    dependencies=[open_to_all()],
    responses=problem_responses(401, 403, 413, 422, 429, 503),
)
async def post_session(request: Request, response: Response, wanted: PasswordRequest) -> SessionAnswer:
    """Sets the session's cookie. After too many wrong passwords: 429 with Retry-After."""
    refuse_foreign_pages(request)
    sign_in = _doorkeeper(request).sign_in
    caller, token = await run_sync(sign_in, wanted.name, wanted.password, address_of(request), limiter=_HASHING)
    return _begin(request, response, caller, token)


@router.post(
    "/link",
    status_code=201,
    summary="Sign in by a link",
    dependencies=[open_to_all()],
    responses=problem_responses(401, 403, 413, 422, 503),
)
async def post_session_by_link(request: Request, response: Response, wanted: LinkRequest) -> SessionAnswer:
    """A link signs in once."""
    refuse_foreign_pages(request)
    caller, token = await run_sync(_doorkeeper(request).sign_in_by_link, wanted.token, address_of(request))
    return _begin(request, response, caller, token)


@router.post(
    "/password",
    status_code=201,
    summary="Change one's own password",
    responses=problem_responses(401, 403, 409, 413, 422, 429, 503),
)
async def post_own_password(
    request: Request, caller: Annotated[Caller, needs(Permission.SEE_QUEUE)], wanted: OwnPasswordRequest
) -> OwnPasswordAnswer:
    """All other sessions and unused links of the person end. A wrong old password counts as a wrong sign-in; 409 for
    who has none here, and signs in by a link or single sign-on."""
    token, keeper = request.cookies[SESSION_COOKIE], _doorkeeper(request)
    old, new = wanted.old_password, wanted.new_password
    ended = await run_sync(keeper.change_password, caller, token, old, new, address_of(request), limiter=_HASHING)
    return OwnPasswordAnswer(sessions_ended=ended)


@router.get("", summary="Who is signed in", responses=problem_responses(401, 403, 503))
async def get_session(caller: Annotated[Caller, needs(Permission.SEE_QUEUE)]) -> SessionAnswer:
    """With what they may do."""
    return _to_answer(caller)


@router.delete(
    "",
    status_code=204,
    summary="Sign out",
    responses={
        200: {"model": SignedOutAnswer, "description": "Signed out here; the provider of single sign-on waits."},
        **problem_responses(401, 403, 503),
    },
)
async def delete_session(request: Request, caller: Annotated[Caller, needs(Permission.SEE_QUEUE)]) -> Response:
    """The session is over, in this browser. Where it began at a provider, 200 tells where to sign out of that too."""
    means = await run_sync(_doorkeeper(request).sign_out, caller, request.cookies[SESSION_COOKIE])
    sign_on = sign_on_of(request) if means is Means.SINGLE_SIGN_ON else None
    address = None if sign_on is None else await run_sync(sign_on.provider.sign_out_address, limiter=PROVIDER_LANES)
    response = Response(status_code=204)
    if address is not None:
        response = JSONResponse(SignedOutAnswer(continue_at=address).model_dump())
    delete_session_cookie(request, response)
    return response


def _begin(request: Request, response: Response, caller: Caller, token: str) -> SessionAnswer:
    set_session_cookie(request, response, token)
    return _to_answer(caller)


def _to_answer(caller: Caller) -> SessionAnswer:
    if caller.role is None:
        raise NotSignedIn("a station key: is no person", "sign in at /sign-in")
    return SessionAnswer(name=caller.name, role=caller.role, permissions=sorted(caller.permissions))


def _doorkeeper(request: Request) -> Doorkeeper:
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    return doorkeeper
