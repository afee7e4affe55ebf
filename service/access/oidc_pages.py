"""The two addresses that a browser visits on its way to the provider and back."""

from typing import Annotated

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from service.access.oidc_attempt import ATTEMPT_COOKIE, ATTEMPT_LASTS_S, Attempt, SignOnRefused
from service.access.oidc_plan import RETURN_PATH
from service.access.oidc_provider import ProviderAnswer
from service.access.oidc_sign_on import SingleSignOn
from service.access.session_cookie import address_of, is_encrypted, set_session_cookie
from service.errors import NotFound
from service.web.guard import open_to_all

router = APIRouter(include_in_schema=False)
BEGIN_PATH = "/sign-in/oidc"
# A provider that does not answer keeps these threads waiting, and none of those that parts need.
PROVIDER_LANES = CapacityLimiter(4)


@router.get(BEGIN_PATH, dependencies=[open_to_all()])
async def begin_single_sign_on(
    request: Request, next_path: Annotated[str, Query(alias="next", max_length=256)] = "/"
) -> RedirectResponse:
    """To the provider."""
    sign_on = _sign_on(request)
    try:
        address, attempt = await run_sync(sign_on.begin, next_path, address_of(request), limiter=PROVIDER_LANES)
    except SignOnRefused as refused:
        return _back(refused)
    response = _redirect(address)
    response.set_cookie(
        ATTEMPT_COOKIE,
        attempt.cookie,
        max_age=ATTEMPT_LASTS_S,
        path=BEGIN_PATH,
        httponly=True,
        # Strict would keep it from the way back, which begins on the provider's page.
        samesite="lax",
        secure=is_encrypted(request),
    )
    return response


@router.get(RETURN_PATH, dependencies=[open_to_all()])
async def end_single_sign_on(
    request: Request,
    state: Annotated[str, Query(max_length=512)] = "",
    code: Annotated[str | None, Query(max_length=4096)] = None,
    error: Annotated[str | None, Query(max_length=512)] = None,
    iss: Annotated[str | None, Query(max_length=512)] = None,
) -> RedirectResponse:
    """From the provider: signed in, or back at the sign-in page, which says why not."""
    sign_on = _sign_on(request)
    attempt = Attempt.from_cookie(request.cookies.get(ATTEMPT_COOKIE, ""))
    answer = ProviderAnswer(state, code, error, iss)
    try:
        signed_on = await run_sync(sign_on.finish, attempt, answer, address_of(request), limiter=PROVIDER_LANES)
        response = _redirect(signed_on.next_path)
        set_session_cookie(request, response, signed_on.token)
    except SignOnRefused as refused:
        response = _back(refused)
    response.delete_cookie(ATTEMPT_COOKIE, path=BEGIN_PATH, httponly=True, samesite="lax", secure=is_encrypted(request))
    return response


def sign_on_of(request: Request) -> SingleSignOn | None:
    """None where no provider is set up."""
    sign_on: SingleSignOn | None = request.app.state.single_sign_on
    return sign_on


def _sign_on(request: Request) -> SingleSignOn:
    sign_on = sign_on_of(request)
    if sign_on is None:
        raise NotFound(f"{request.url.path}: single sign-on is not set up", "sign in by password, or set KENSA_OIDC")
    return sign_on


def _back(refused: SignOnRefused) -> RedirectResponse:
    return _redirect(f"/sign-in?refused={refused.refusal.value}")


def _redirect(address: str) -> RedirectResponse:
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})
