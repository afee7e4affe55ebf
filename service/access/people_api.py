"""Looking after people over HTTP: for administrators."""

from typing import Annotated

from fastapi import APIRouter, Path

from service.access import operations
from service.access.people_schemas import (
    LinkAnswer,
    NewPasswordRequest,
    PeopleList,
    PersonAnswer,
    PersonRequest,
    RoleRequest,
)
from service.callers import Caller, Permission
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/people", tags=["access"])
Admin = Annotated[Caller, needs(Permission.MANAGE_PEOPLE)]
PersonId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The person's id.", examples=[3])]
_CHANGED = problem_responses(401, 403, 404, 409, 413, 422, 503)


@router.get(
    "",
    summary="People and their roles",
    dependencies=[needs(Permission.MANAGE_PEOPLE)],
    responses=problem_responses(401, 403, 503),
)
def list_people(runtime: RuntimeDependency) -> PeopleList:
    """By name, those that are disabled among them."""
    return PeopleList(items=operations.describe_people(runtime.database))


@router.post("", status_code=201, summary="Let a person in", responses=problem_responses(401, 403, 409, 413, 422, 503))
def post_person(runtime: RuntimeDependency, caller: Admin, wanted: PersonRequest) -> PersonAnswer:
    """With a password, or without one: then a link signs them in."""
    operations.add_person(runtime.database, wanted.name, wanted.role, wanted.password, actor=caller.name)
    return operations.describe_person(runtime.database, wanted.name)


@router.post("/{person_id}/role", status_code=201, summary="Change a person's role", responses=_CHANGED)
def post_role(runtime: RuntimeDependency, caller: Admin, person_id: PersonId, wanted: RoleRequest) -> PersonAnswer:
    """Holds from their next request on. Nobody changes their own: so an administrator always remains."""
    name = operations.name_of(runtime.database, person_id)
    operations.set_role(runtime.database, name, wanted.role, actor=caller.name)
    return operations.describe_person(runtime.database, name)


@router.post("/{person_id}/password", status_code=201, summary="Give a person a new password", responses=_CHANGED)
def post_password(
    runtime: RuntimeDependency, caller: Admin, person_id: PersonId, wanted: NewPasswordRequest
) -> PersonAnswer:
    """All their sessions end."""
    name = operations.name_of(runtime.database, person_id)
    operations.set_password(runtime.database, name, wanted.password, actor=caller.name)
    return operations.describe_person(runtime.database, name)


@router.post("/{person_id}/link", status_code=201, summary="Make a link that signs in once", responses=_CHANGED)
def post_link(runtime: RuntimeDependency, caller: Admin, person_id: PersonId) -> LinkAnswer:
    """Within a day. Whoever has it is that person: hand it over, do not post it."""
    name = operations.name_of(runtime.database, person_id)
    link = operations.make_link(runtime.database, name, actor=caller.name)
    return LinkAnswer(path=f"/sign-in#{link.token}", ends_at=link.ends_at)


@router.post("/{person_id}/disabling", status_code=201, summary="Let a person in no more", responses=_CHANGED)
def post_disabling(runtime: RuntimeDependency, caller: Admin, person_id: PersonId) -> PersonAnswer:
    """They are signed out everywhere. What they decided keeps their name."""
    name = operations.name_of(runtime.database, person_id)
    operations.disable_person(runtime.database, name, actor=caller.name)
    return operations.describe_person(runtime.database, name)


@router.post("/{person_id}/enabling", status_code=201, summary="Let a person in again", responses=_CHANGED)
def post_enabling(runtime: RuntimeDependency, caller: Admin, person_id: PersonId) -> PersonAnswer:
    """With the password and the role they had."""
    name = operations.name_of(runtime.database, person_id)
    operations.enable_person(runtime.database, name, actor=caller.name)
    return operations.describe_person(runtime.database, name)
