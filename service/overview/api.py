"""The overview over HTTP."""

from fastapi import APIRouter

from service.callers import Permission
from service.overview import operations
from service.overview.schemas import Overview
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/overview", tags=["reports"])


@router.get(
    "",
    summary="The line now",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 503),
)
def get_overview(runtime: RuntimeDependency) -> Overview:
    """Every station in this shift, what waits, and what stands out."""
    return operations.look(runtime)
