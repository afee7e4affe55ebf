"""The page on which people say who was right: the champion, or the challenger beside it."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.shadow import operations
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])


@router.get("/shadow")
def get_shadow_page(visit: VisitDependency, runtime: RuntimeDependency) -> HTMLResponse:
    """The newest trial; the flip that is most different first."""
    champion_id = runtime.inspector.bundle_id
    return visit.show(
        "shadow/shadow.html",
        review=operations.get_newest_in_review(runtime.database),
        champion_id=champion_id,
        bundle_ids=[one for one in runtime.shelf.known_ids if one != champion_id],
    )
