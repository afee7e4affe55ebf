"""The way of a part into the service: a route as any other, but for what FastAPI would do anew for every image."""

from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from service.web.guard import Guard


class PartRoute(APIRoute):
    """Stated, described and guarded as every route is; its function takes `request`, `runtime` and `caller`.

    Of those the dependencies tell FastAPI, whose way of solving them takes longer than reading the request; and the
    function gives a Response, since its answer is made of values that were checked already. What it raises, the
    application's handlers answer.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **stated: Any) -> None:
        """Raises RuntimeError for a route that has no guard: deny by default."""
        super().__init__(path, endpoint, **stated)
        guard = next((one.call for one in self.dependant.dependencies if isinstance(one.call, Guard)), None)
        if guard is None:
            raise RuntimeError(f"{path}: states no permission; give it a caller that needs(...) one")
        self._guard = guard
        self.app = self._take_part

    async def _take_part(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        caller = await self._guard(request)
        response: Response = await self.endpoint(request=request, runtime=request.app.state.runtime, caller=caller)
        await response(scope, receive, send)
