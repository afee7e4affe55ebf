"""The overview as a page for a wall screen, which looks again by itself."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.drift.operations import KINDS
from service.overview import operations
from service.overview.wording import CHALLENGE_WORDS, describe_alarm
from service.runtime import Runtime
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.visit import Visit, VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])


@router.get("/overview")
def get_overview_page(visit: VisitDependency, runtime: RuntimeDependency) -> HTMLResponse:
    """The line now."""
    return _show(visit, runtime, "overview/overview.html")


@router.get("/overview/board")
def get_board(visit: VisitDependency, runtime: RuntimeDependency) -> HTMLResponse:
    """The same without the frame around it, for the page to look again."""
    return _show(visit, runtime, "overview/board.html")


def _show(visit: Visit, runtime: Runtime, template: str) -> HTMLResponse:
    return visit.show(
        template,
        line=operations.look(runtime),
        alarms=[describe_alarm(alarm, visit.language) for alarm in runtime.alarms.standing()],
        drift_words={kind: visit.words(message) for kind, message in KINDS.items()},
        challenge_words={standing: visit.words(message) for standing, message in CHALLENGE_WORDS.items()},
    )
