"""A night as a durable workflow: killed at any step, it goes on there, and no finished step is done again.

DBOS keeps which steps have ended in a database of its own. Beside it each step writes its figures to the record, in one
transaction, so that even a kill between the two repeats nothing.
"""

from dbos import DBOS

from service.nightly import course
from service.nightly.steps.findings import Figures
from service.nightly.workshop import Workshop

_workshops: list[Workshop] = []


def open_workshop(workshop: Workshop) -> None:
    """What the nights of this process work with: a workflow's own arguments can hold only what JSON can."""
    _workshops[:] = [workshop]


@DBOS.workflow(name="night")
def run_night(name: str) -> str:
    """All steps of one night; its state at the end."""
    return _conclude(name, course.go_through(lambda step, found: _take_step(name, step, found)))


@DBOS.step(name="take_step")
def _take_step(name: str, step: str, found: dict[str, Figures]) -> Figures:
    return course.take_step(_workshops[0], name, step, found)


@DBOS.step(name="conclude")
def _conclude(name: str, found: dict[str, Figures]) -> str:
    return course.conclude(_workshops[0], name, found).value
