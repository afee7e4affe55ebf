"""The page on which a person signs in."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from service.access.operations import has_people
from service.web.dependencies import RuntimeDependency
from service.web.guard import open_to_all
from service.web.own_path import own_path
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False)


@router.get("/sign-in", dependencies=[open_to_all()])
def get_sign_in(
    visit: VisitDependency,
    runtime: RuntimeDependency,
    next_path: Annotated[str, Query(alias="next", max_length=256)] = "/",
) -> HTMLResponse:
    """By password; or by a link, whose token stands behind the # and so reaches no log."""
    return visit.show("access/sign_in.html", next_path=own_path(next_path), has_people=has_people(runtime.database))
