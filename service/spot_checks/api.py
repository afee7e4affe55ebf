"""What spot checks say, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.callers import Permission
from service.spot_checks import operations
from service.spot_checks.schemas import CheckScope, SpotCheckReport
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.problems import problem_responses

router = APIRouter(prefix="/api/v1/spot-checks", tags=["spot checks"])


@router.get(
    "/report",
    summary="Escapes, overkill and agreement, with their bounds",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 422, 503),
)
def get_report(runtime: RuntimeDependency, scope: Annotated[CheckScope, Query()]) -> SpotCheckReport:
    """From parts that were drawn by chance and decided without the machine's verdict."""
    return operations.report(runtime.database, scope)
