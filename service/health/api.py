"""For whoever watches the service: an orchestrator, a proxy, a scraper, a person."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.callers import Permission
from service.health.operations import check_readiness, describe_health, is_alive
from service.health.schemas import Health, Liveness, Readiness
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs, open_to_all
from service.web.problems import problem_responses

router = APIRouter(tags=["health"])


@router.get(
    "/health/live",
    summary="Is the process alive?",
    dependencies=[open_to_all()],
    responses={503: {"model": Liveness, "description": "Only a restart helps."}},
)
async def get_liveness(runtime: RuntimeDependency, response: Response) -> Liveness:
    """Restart it if not."""
    if is_alive(runtime):
        return Liveness()
    response.status_code = 503
    return Liveness(status="stuck")


@router.get(
    "/health/ready",
    summary="May parts be sent here?",
    dependencies=[open_to_all()],
    responses={503: {"model": Readiness, "description": "Not now; the failed check says why."}},
)
def get_readiness(runtime: RuntimeDependency, response: Response) -> Readiness:
    """The bundle is self-tested, the database answers, the image store can be written and has room."""
    readiness = check_readiness(runtime)
    response.status_code = 200 if readiness.ready else 503
    return readiness


@router.get(
    "/health",
    summary="What runs, what waits, what is wrong",
    dependencies=[needs(Permission.SEE_QUEUE)],
    responses=problem_responses(401, 403, 503),
)
def get_health(runtime: RuntimeDependency) -> Health:
    """For a person: every alarm has a page in the runbook."""
    return describe_health(runtime)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    dependencies=[open_to_all()],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def get_metrics(runtime: RuntimeDependency) -> Response:
    """Counts, times by stage, queue, disk and alarms. Names of stations, no parts: keep it behind the proxy."""
    return Response(runtime.metrics.render(), media_type=CONTENT_TYPE_LATEST)
