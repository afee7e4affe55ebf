"""A night as a durable workflow: killed at any step, it goes on there, and no finished step is done again.

DBOS keeps which steps have ended in a database of its own. Beside it each step writes its figures to the record, in one
transaction, so that even a kill between the two repeats nothing.
"""

from collections.abc import Callable
from typing import Any

import structlog
from dbos import DBOS

from service.nightly import nights
from service.nightly.endings import NightEnded, told_as_ending
from service.nightly.steps.distill import calibrate, distill, prove
from service.nightly.steps.findings import Figures, Findings
from service.nightly.steps.freeze import freeze
from service.nightly.steps.gate import judge_challenger
from service.nightly.steps.pretrain import pretrain
from service.nightly.steps.promote import promote, report, shadow
from service.nightly.steps.screen import screen
from service.nightly.tables import NightState, Reason
from service.nightly.workshop import Bench, Workshop

log = structlog.get_logger("kensa.nightly")
Step = Callable[[Bench, Findings], Figures]
STEPS: dict[str, Step] = {
    "freeze": freeze,
    "screen": screen,
    "pretrain": pretrain,
    "distill": distill,
    "calibrate": calibrate,
    "prove": prove,
    "gate": judge_challenger,
    "shadow": shadow,
    "promote": promote,
    "report": report,
}
"""In their order. The last is taken however the others came out."""
_ENDED = "ended"
_workshops: list[Workshop] = []


def open_workshop(workshop: Workshop) -> None:
    """What the nights of this process work with: a workflow's own arguments can hold only what JSON can."""
    _workshops[:] = [workshop]


@DBOS.workflow(name="night")
def run_night(name: str) -> str:
    """All steps of one night; its state at the end."""
    found: dict[str, Figures] = {}
    for step in list(STEPS)[:-1]:
        found[step] = take_step(name, step, found)
        if _ENDED in found[step]:
            break
    found["report"] = take_step(name, "report", found)
    return conclude(name, found)


@DBOS.step(name="take_step")
def take_step(name: str, step: str, found: dict[str, Figures]) -> Figures:
    """The step's figures; what ended the night stands in them as `ended`: [reason, detail]."""
    workshop = _workshops[0]
    night = nights.begin(workshop.database, name)
    finished = nights.begin_step(workshop.database, night.id, step)
    if finished is not None:
        return finished
    bench = workshop.bench_of(night)
    log.info("step_begins", night=name, step=step)
    try:
        with told_as_ending():
            if step != "report":
                bench.check_disk()
            figures = STEPS[step](bench, found)
    except NightEnded as ending:
        log.warning("night_ends", night=name, step=step, reason=ending.reason.value, detail=ending.detail)
        figures = {**ending.figures, _ENDED: [ending.reason.value, ending.detail]}
    nights.end_step(workshop.database, night.id, step, figures)
    log.info("step_ends", night=name, step=step)
    return figures


@DBOS.step(name="conclude")
def conclude(name: str, found: dict[str, Figures]) -> str:
    """Write how it came out, once: promoted, waiting for somebody, or the champion kept with the reason."""
    ending: Any = next((figures[_ENDED] for figures in found.values() if _ENDED in figures), None)
    state = NightState.KEPT if ending else NightState(found["promote"]["state"])
    reason, detail = (Reason(ending[0]), str(ending[1])) if ending else (None, "")
    champion_id = found["freeze"].get("champion_id")
    challenger_id = found.get("gate", {}).get("challenger_id")
    summary = {name: value for name, value in found["report"].items() if name != _ENDED}
    nights.end(
        _workshops[0].database,
        name,
        state,
        reason=reason,
        detail=detail,
        champion_id=champion_id,
        challenger_id=challenger_id,
        figures=summary,
    )
    log.info("night_over", night=name, state=state.value, reason=reason.value if reason else None, detail=detail)
    return state.value
