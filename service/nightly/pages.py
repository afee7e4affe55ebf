"""The pages of the nights and of the golden set."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from service.callers import Permission
from service.labels import Label
from service.nightly import operations, wording
from service.nightly.course import STEPS
from service.nightly.guard.candidate import Why
from service.nightly.month import draw
from service.nightly.schemas import NightName
from service.nightly.tables import NightState, NightStep, Reason
from service.profiles.operations import PinnedStation, list_pinned
from service.runtime import Runtime
from service.web.dependencies import RuntimeDependency
from service.web.guard import needs
from service.web.visit import Visit, VisitDependency

router = APIRouter(include_in_schema=False, dependencies=[needs(Permission.SEE_QUEUE)])


@router.get("/nights")
def get_nights_page(
    visit: VisitDependency, runtime: RuntimeDependency, line: Annotated[Label | None, Query()] = None
) -> HTMLResponse:
    """A month of nights: what became of each, on a chart and as a table."""
    nights = operations.list_nights(runtime.database, line=line).items
    judged = [night for night in nights if "champion_auroc" in night.figures]
    return visit.show_charts(
        "nightly/nights.html",
        nights=nights,
        figure=draw(judged, visit.words, runtime.shifts.zone) if judged else None,
        plan=runtime.nights,
        line=line,
        pinned=_pinned(runtime, line),
        **_words(visit),
    )


@router.get("/nights/{name}")
def get_night_page(visit: VisitDependency, runtime: RuntimeDependency, name: NightName) -> HTMLResponse:
    """One night: what it asks of an engineer, what it found, and every step."""
    whole = operations.get_night(runtime.database, name)
    found = {step.step: step.figures for step in whole.steps}
    report = found.get("gate", {}).get("report")
    return visit.show(
        "nightly/night.html",
        night=operations.to_answer(whole.night),
        steps=[_Step(visit, step) for step in whole.steps],
        found=found,
        checks=operations.describe_gate(report, visit.language) if report else [],
        left_out=_left_out(visit, found.get("screen", {}).get("left_out", {})),
        total=len(STEPS),
        pinned=_pinned(runtime, whole.night.line),
        **_words(visit),
    )


@router.get("/golden")
def get_golden_page(visit: VisitDependency, runtime: RuntimeDependency) -> HTMLResponse:
    """The golden set, and the pictures that are kept out of training."""
    return visit.show(
        "nightly/golden.html",
        golden=operations.read_golden_set(runtime.database),
        kept_out=operations.list_kept_out(runtime.database).items,
    )


def _pinned(runtime: Runtime, name: str | None) -> list[PinnedStation]:
    """Stations of a line, or of any where none is named, that no night moves; none of a line that is gone."""
    lines = [line for line in runtime.nights.lines if name in (None, line.name)]
    return [one for one in list_pinned(runtime.database) if any(line.covers(one.station) for line in lines)]


class _Step:
    """One step for the page."""

    def __init__(self, visit: Visit, step: NightStep) -> None:
        name, meaning = wording.STEPS[step.step]
        self.name = visit.words(name)
        self.meaning = visit.words(meaning) if meaning else ""
        self.began_at, self.ended_at = step.began_at, step.ended_at
        self.has_ended_night = "ended" in step.figures
        self.seconds = (step.ended_at - step.began_at).total_seconds() if step.ended_at else None


def _left_out(visit: Visit, counts: dict[str, int]) -> list[tuple[str, int]]:
    return [
        (visit.words(wording.WHYS[Why(why)]), count) for why, count in sorted(counts.items(), key=lambda one: -one[1])
    ]


def _words(visit: Visit) -> dict[str, object]:
    states = {state.value: visit.words(message) for state, message in wording.STATES.items()}
    return {
        "states": states,
        "tones": {state.value: tone for state, tone in wording.TONES.items()},
        "reasons": {reason.value: visit.words(message) for reason, message in wording.REASONS.items()},
        "NightState": NightState,
        "Reason": Reason,
    }
