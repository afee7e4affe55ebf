"""The pages on which an administrator looks after people."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.access import operations
from service.access.people_api import PersonId
from service.callers import Permission, Role
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.languages import mark
from service.web.visit import Visit, VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.MANAGE_PEOPLE)])
ROLES = {
    Role.VIEWER: (mark("viewer"), mark("sees every page")),
    Role.REVIEWER: (mark("reviewer"), mark("decides about parts")),
    Role.ENGINEER: (mark("engineer"), mark("changes profiles, thresholds and bundles, and reads the audit trail")),
    Role.ADMIN: (mark("administrator"), mark("looks after people")),
}


@router.get("/people")
def get_people_page(visit: VisitDependency, runtime: RuntimeDependency) -> HTMLResponse:
    """Everybody, and a form for one more."""
    people = operations.describe_people(runtime.database)
    return visit.show("access/people.html", people=people, roles=_roles(visit), choices=_choices(visit))


@router.get("/people/{person_id}")
def get_person_page(visit: VisitDependency, runtime: RuntimeDependency, person_id: PersonId) -> HTMLResponse:
    """One person: role, password, link, and whether they may sign in."""
    name = operations.name_of(runtime.database, person_id)
    person = operations.describe_person(runtime.database, name)
    is_oneself = visit.caller is not None and visit.caller.name == name
    return visit.show(
        "access/person.html", person=person, is_oneself=is_oneself, roles=_roles(visit), choices=_choices(visit)
    )


def _roles(visit: Visit) -> dict[Role, tuple[str, str]]:
    """What each is called, and what it may do beyond the one before it."""
    return {role: (visit.words(name), visit.words(meaning)) for role, (name, meaning) in ROLES.items()}


def _choices(visit: Visit) -> list[tuple[str, str]]:
    return [(role.value, visit.words(name)) for role, (name, _) in ROLES.items()]
