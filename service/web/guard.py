"""The guard of every route: a route states what it needs, and one that states nothing does not start.

A camera shows its key as `Authorization: Bearer KEY`; a browser has a session cookie. What a browser sends by itself,
led by a foreign page, is refused: see `refuse_foreign_pages`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from service.access.doorkeeper import Doorkeeper
from service.callers import Caller, Permission
from service.errors import Forbidden, NotSignedIn

SESSION_COOKIE = "kensa_session"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# The pages' own files and the API's description: the same for everyone, and public with the sources.
OPEN_PATHS = frozenset({"/static", "/api/v1/openapi.json"})


@dataclass(frozen=True, slots=True)
class Guard:
    """A dependency that gives the caller, who has `permission`; None is open to all."""

    permission: Permission | None

    async def __call__(self, request: Request) -> Caller | None:
        """Raises NotSignedIn or Forbidden."""
        if self.permission is None:
            return None
        caller = await find_caller(request)
        if caller is None:
            raise NotSignedIn(
                f"{request.method} {request.url.path}: nobody is signed in",
                "sign in at /sign-in, or send a station key as `Authorization: Bearer KEY`",
            )
        caller.require(self.permission)
        request.state.caller = caller
        return caller


def needs(permission: Permission) -> Any:
    """For a route's `dependencies`, or in `Annotated[Caller, needs(...)]` where the route asks who it is."""
    return Depends(Guard(permission))


def open_to_all() -> Any:
    """For the few routes that must answer anybody."""
    return Depends(Guard(None))


async def find_caller(request: Request) -> Caller | None:
    """Who asks, if anyone that is known. A key that is shown must be right: no cookie makes up for a wrong one."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    if (shown := request.headers.get("authorization")) is not None:
        scheme, _, key = shown.partition(" ")
        if scheme.lower() != "bearer":
            return None
        is_remembered, caller = doorkeeper.keys.recall(key)
        return caller if is_remembered else await run_sync(doorkeeper.keys.look_up, key)
    token = request.cookies.get(SESSION_COOKIE)
    if token is None:
        return None
    refuse_foreign_pages(request)
    return await run_sync(doorkeeper.caller_of_session, token)


def refuse_foreign_pages(request: Request) -> None:
    """Raises Forbidden for a change that a page of another site asks for (cross-site request forgery).

    Browsers tell where a request comes from in Sec-Fetch-Site, or else in Origin; programs send neither, and no
    foreign page can make them.
    """
    if request.method in _SAFE_METHODS:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_own = site in ("same-origin", "none")
    if site is None:
        is_own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_own:
        raise Forbidden(f"{request.method} {request.url.path}: came from another site's page", "use the service's own")


def require_guards(app: FastAPI) -> None:
    """Raises RuntimeError for a route that does not state what it needs: deny by default."""
    for path, guard in guards_of(app):
        if guard is None and path not in OPEN_PATHS:
            raise RuntimeError(f"{path}: states no permission; give it dependencies=[needs(...)] or [open_to_all()]")


def guards_of(app: FastAPI) -> Iterator[tuple[str, Guard | None]]:
    """(path, what it states) of every route and mount; None where it states nothing."""
    for route in iter_route_contexts(app.routes):
        guards = [call for call in _calls(getattr(route, "dependant", None)) if isinstance(call, Guard)]
        first = guards[0] if guards else None
        yield str(route.path), next((guard for guard in guards if guard.permission is not None), first)


def _calls(dependant: Dependant | None) -> Iterator[Any]:
    for part in dependant.dependencies if dependant else ():
        yield part.call
        yield from _calls(part)
