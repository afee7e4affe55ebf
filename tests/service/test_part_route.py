"""The routes that cameras post to pass FastAPI's dependencies by, and neither their guard nor their description."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import APIRouter, Request, Response

from service.callers import Caller, Permission
from service.intake import api
from service.intake.part_route import PartRoute
from service.web.guard import needs


def test_both_ways_of_a_part_go_by_it() -> None:
    assert [(route.path, type(route)) for route in api.cameras.routes if isinstance(route, PartRoute)] == [
        ("/api/v1/inspections", PartRoute),
        ("/api/v1/parts", PartRoute),
    ]


def test_one_without_a_guard_is_never_made() -> None:
    router = APIRouter(route_class=PartRoute)

    async def receive(request: Request) -> Response:
        return Response(str(request.url))

    async def receive_from(request: Request, caller: Annotated[Caller, needs(Permission.SEND_PARTS)]) -> Response:
        return Response(f"{request.url} {caller.name}")

    with pytest.raises(RuntimeError, match="/open: states no permission"):
        router.post("/open")(receive)
    router.post("/guarded")(receive_from)
    assert [getattr(route, "path", None) for route in router.routes] == ["/guarded"]
