"""Signing in and out."""

from typing import Annotated

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from service.access.doorkeeper import Doorkeeper
from service.access.schemas import LinkRequest, PasswordRequest, SessionAnswer
from service.access.sessions import LONGEST
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
    caller, token = await run_sync(sign_in, wanted.name, wanted.password, _address_of(request), limiter=_HASHING)
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
    caller, token = await run_sync(_doorkeeper(request).sign_in_by_link, wanted.token, _address_of(request))
    return _begin(request, response, caller, token)


@router.get("", summary="Who is signed in", responses=problem_responses(401, 403, 503))
async def get_session(caller: Annotated[Caller, needs(Permission.SEE_QUEUE)]) -> SessionAnswer:
    """With what they may do."""
    return _to_answer(caller)


@router.delete("", status_code=204, summary="Sign out", responses=problem_responses(401, 403, 503))
async def delete_session(request: Request, caller: Annotated[Caller, needs(Permission.SEE_QUEUE)]) -> Response:
    """The session is over, in this browser."""
    await run_sync(_doorkeeper(request).sign_out, caller, request.cookies[SESSION_COOKIE])
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=_is_encrypted(request))
    return response


def _begin(request: Request, response: Response, caller: Caller, token: str) -> SessionAnswer:
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_encrypted(request),
    )
    return _to_answer(caller)


def _to_answer(caller: Caller) -> SessionAnswer:
    if caller.role is None:
        raise NotSignedIn("a station key: is no person", "sign in at /sign-in")
    return SessionAnswer(name=caller.name, role=caller.role, permissions=sorted(caller.permissions))


def _is_encrypted(request: Request) -> bool:
    return request.url.scheme == "https"


def _address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _doorkeeper(request: Request) -> Doorkeeper:
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    return doorkeeper
