"""The pages on which a person signs in, and changes their own password."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from service.access.oidc_attempt import Refusal
from service.access.oidc_pages import sign_on_of
from service.access.operations import describe_person, has_people
from service.callers import Permission
from service.errors import NotSignedIn
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs, open_to_all
from service.web.own_path import own_path
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False)


@router.get("/sign-in", dependencies=[open_to_all()])
def get_sign_in(
    request: Request,
    visit: VisitDependency,
    runtime: RuntimeDependency,
    next_path: Annotated[str, Query(alias="next", max_length=256)] = "/",
    refused: Annotated[Refusal | None, Query()] = None,
) -> HTMLResponse:
    """By single sign-on where there is a provider; by password always; or by a link, whose token stands behind the #
    and so reaches no log."""
    sign_on = sign_on_of(request)
    return visit.show(
        "access/sign_in.html",
        next_path=own_path(next_path),
        has_people=has_people(runtime.database),
        provider=None if sign_on is None else sign_on.label,
        refused=refused,
    )


@router.get("/password", dependencies=[needs(Permission.SEE_QUEUE)])
def get_password_page(
    visit: VisitDependency,
    runtime: RuntimeDependency,
    ended: Annotated[int | None, Query(ge=0, le=10_000)] = None,
) -> HTMLResponse:
    """Of whoever is signed in; `ended` says that it has just been changed, and how many other sessions ended."""
    if visit.caller is None:
        raise NotSignedIn("/password: nobody is signed in", "sign in at /sign-in")
    person = describe_person(runtime.database, visit.caller.name)
    return visit.show("access/password.html", person=person, ended=ended)
