"""The cookie of a person's session, and what of a request it depends on."""

from fastapi import Request, Response

from service.access.sessions import LONGEST
from service.web.guard import SESSION_COOKIE


def set_session_cookie(request: Request, response: Response, token: str) -> None:
    """No script reads it, and no other site's form sends it."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_encrypted(request),
    )


def delete_session_cookie(request: Request, response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=is_encrypted(request))


def is_encrypted(request: Request) -> bool:
    return request.url.scheme == "https"


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"
