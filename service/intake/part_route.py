"""The way of a part into the service: a route as any other, but for what FastAPI would do anew for every image."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from service.web.guard import Guard


class PartRoute(APIRoute):
    """Stated, described and guarded as every route is; its function takes `request`, `runtime` and `caller`.

    Of those the dependencies tell FastAPI, whose way of solving them takes longer than reading the request; and the
    function gives a Response, since its answer is made of values that were checked already.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What FastAPI calls for each request. Raises RuntimeError for a route that has no guard: deny by default."""
        guard = next((one.call for one in self.dependant.dependencies if isinstance(one.call, Guard)), None)
        if guard is None:
            raise RuntimeError(f"{self.path}: states no permission; give it a caller that needs(...) one")
        receive_part = self.endpoint

        async def handle(request: Request) -> Response:
            caller = await guard(request)
            response: Response = await receive_part(request=request, runtime=request.app.state.runtime, caller=caller)
            return response

        return handle
