"""For whoever watches the service: an orchestrator, a proxy, a script."""

from fastapi import APIRouter, Response

from service.health.operations import check_readiness
from service.health.schemas import Liveness, Readiness
from service.web.dependencies import RuntimeDependency
from service.web.guard import open_to_all

router = APIRouter(prefix="/health", tags=["health"], dependencies=[open_to_all()])


@router.get("/live", summary="Is the process alive?")
async def get_liveness() -> Liveness:
    """Restart it if not."""
    return Liveness()


@router.get(
    "/ready",
    summary="May parts be sent here?",
    responses={503: {"model": Readiness, "description": "Not now; the failed check says why."}},
)
def get_readiness(runtime: RuntimeDependency, response: Response) -> Readiness:
    """The bundle is self-tested, the database answers, the image store can be written."""
    readiness = check_readiness(runtime)
    response.status_code = 200 if readiness.ready else 503
    return readiness
