"""The page of the challenge parts."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.challenge import operations
from service.challenge.standing import Standing
from service.challenge.tables import ActKind, Expectation
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.languages import mark
from service.web.visit import VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])

STANDINGS = {
    Standing.NONE: mark("begins with the next shift"),
    Standing.DUE: mark("challenge parts due"),
    Standing.PASSED: mark("challenge passed"),
    Standing.FAILED: mark("challenge failed"),
    Standing.RELEASED: mark("opened by an engineer"),
}
EXPECTATIONS = {
    Expectation.PASS: mark("good: must pass"),
    Expectation.FLAGGED: mark("bad: must be held or failed"),
    Expectation.FAIL: mark("bad: must fail"),
}
ACTS = {ActKind.REPEAT: mark("shown again"), ActKind.RELEASE: mark("opened without")}


@router.get("/challenge")
def get_challenge_page(visit: VisitDependency, runtime: RuntimeDependency) -> HTMLResponse:
    """How every station stands in this shift, its parts, and what an engineer may do."""
    return visit.show(
        "challenge/challenge.html",
        challenges=operations.describe(runtime.database, runtime.challenge, runtime.shifts),
        standings={one: visit.words(message) for one, message in STANDINGS.items()},
        expectations={one: visit.words(message) for one, message in EXPECTATIONS.items()},
        acts={one: visit.words(message) for one, message in ACTS.items()},
    )
