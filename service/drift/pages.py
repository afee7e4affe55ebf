"""The page of drift: what stands, with pictures before and after, and every station's course."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.drift import operations
from service.drift.course import draw_course
from service.drift.tables import DriftKind
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])


@router.get("/drift")
def get_drift_page(visit: VisitDependency, runtime: RuntimeDependency) -> HTMLResponse:
    """Stations whose scores have moved first."""
    return visit.show(
        "drift/drift.html",
        overview=operations.get_overview(runtime.database),
        kinds=DriftKind,
        names={kind: visit.words(message) for kind, message in operations.KINDS.items()},
        course=draw_course,
        rate=runtime.drift_rate,
    )
