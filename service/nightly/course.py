"""The course of a night: its steps in their order, what each may end in, and how it came out."""

from collections.abc import Callable
from typing import Any

import structlog

from service.nightly import nights
from service.nightly.endings import NightEnded, told_as_ending
from service.nightly.steps.distill import calibrate, distill, prove
from service.nightly.steps.findings import Figures, Findings
from service.nightly.steps.freeze import freeze
from service.nightly.steps.gate import judge_challenger
from service.nightly.steps.heal import heal
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
    "heal": heal,
    "report": report,
}
"""In their order. The last is taken however the others came out, and the one before it once the gate has answered."""
ENDED = "ended"
"""In a step's figures: [reason, detail] of what ended the night there."""


def go_through(take: Callable[[str, dict[str, Figures]], Figures]) -> dict[str, Figures]:
    """Take the steps until one ends the night, and then the last; the figures of all that were taken."""
    found: dict[str, Figures] = {}
    for step in list(STEPS)[:-2]:
        found[step] = take(step, found)
        if ENDED in found[step]:
            break
    if "gate" in found:
        found["heal"] = take("heal", found)
    found["report"] = take("report", found)
    return found


def take_step(workshop: Workshop, name: str, step: str, found: Findings) -> Figures:
    """One step's figures, from the record where it is finished already. What ends the night is an answer, no error."""
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
        figures = {**ending.figures, ENDED: [ending.reason.value, ending.detail]}
    nights.end_step(workshop.database, night.id, step, figures)
    log.info("step_ends", night=name, step=step)
    return figures


def conclude(workshop: Workshop, name: str, found: Findings) -> NightState:
    """Write how it came out: promoted, waiting for somebody, or the champion kept with the reason. Twice is once."""
    ending: Any = next((figures[ENDED] for figures in found.values() if ENDED in figures), None)
    state = NightState.KEPT if ending else NightState(found["promote"]["state"])
    reason, detail = (Reason(ending[0]), str(ending[1])) if ending else (None, "")
    nights.end(
        workshop.database,
        name,
        state,
        reason=reason,
        detail=detail,
        champion_id=found["freeze"].get("champion_id"),
        challenger_id=found.get("gate", {}).get("challenger_id"),
        figures={key: value for key, value in found["report"].items() if key != ENDED},
    )
    log.info("night_over", night=name, state=state.value, reason=reason.value if reason else None, detail=detail)
    return state
