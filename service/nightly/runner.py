"""Whoever runs nights: takes those that were asked for, one at a time, and those that the schedule makes due.

Asking is a row in the record, which any process may write. Running is one process's turn, in which DBOS goes on with
what a killed one has left, and its queue lets one night at a time have the trainer, whatever line it is of.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import NoReturn

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy.engine import URL

from service.nightly import nights
from service.nightly.cron import next_due
from service.nightly.durable import open_workshop, run_night
from service.nightly.plan import LinePlan
from service.nightly.pruning import prune
from service.nightly.shadow_end import settle_shadows
from service.nightly.tables import Night, NightState, Reason
from service.nightly.trainer import end_all_trainers
from service.nightly.turn import turn_to_run
from service.nightly.workshop import Workshop

log = structlog.get_logger("kensa.nightly")
SYSTEM_DATABASE = "nights.db"
SCHEDULE = "schedule"
_QUEUE = "nights"
# Raised when the steps change: what an older version has left half done is not gone on with, but ended.
_VERSION = "nights-2"
_LOOK_S = 0.5
_DAY_S = 24 * 3600.0
_STOPPED_STATUS = 130
_UNDER_WAY = (NightState.WAITING, NightState.RUNNING)
_OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


def run_asked_nights(workshop: Workshop, name: str) -> Night:
    """Run the night of that name, and others that wait; or where another process runs them, wait with it."""
    while (night := _read(workshop, name)).state in _UNDER_WAY:
        with turn_to_run(workshop.database, workshop.nights_folder) as is_mine:
            if is_mine:
                with _running(workshop):
                    while _take_turns(workshop):
                        time.sleep(_LOOK_S)
            else:
                log.info("night_runs_elsewhere", night=name)
        time.sleep(_LOOK_S)
    return night


def run_schedule(workshop: Workshop) -> NoReturn:
    """Until the process is stopped: nights that are due by the plan, and those that people ask for."""
    while True:
        with turn_to_run(workshop.database, workshop.nights_folder) as is_mine:
            if is_mine:
                with _running(workshop):
                    _follow_schedule(workshop)
        time.sleep(_LOOK_S)


def _follow_schedule(workshop: Workshop) -> NoReturn:
    due = {line.name: _next(line) for line in workshop.plan.lines}
    pruned_at: float | None = None
    log.info("nights_scheduled", due={name: str(moment) for name, moment in due.items()})
    while True:
        for line in workshop.plan.lines:
            moment = due[line.name]
            if moment is not None and moment <= datetime.now().astimezone():
                nights.ask(workshop.database, line, minutes=None, author=SCHEDULE)
                due[line.name] = _next(line)
        is_busy = _take_turns(workshop)
        settle_shadows(workshop)
        if not is_busy and (pruned_at is None or time.monotonic() - pruned_at > _DAY_S):
            pruned_at = time.monotonic()
            _prune(workshop)
        time.sleep(_LOOK_S)


def _prune(workshop: Workshop) -> None:
    if not workshop.plan.keeping.prunes:
        return
    removals = prune(workshop, author=SCHEDULE)
    log.info("nights_pruned", folders=len(removals), freed_bytes=sum(one.size_bytes for one in removals))


def _next(line: LinePlan) -> datetime | None:
    return None if line.schedule is None else next_due(line.schedule, datetime.now().astimezone())


def _take_turns(workshop: Workshop) -> bool:
    """Hand over what was asked for, end what has broken; whether anything is under way."""
    with workshop.database.reading() as session:
        waiting = nights.find_in_state(session, _UNDER_WAY)
    for night in waiting:
        status = DBOS.get_workflow_status(night.name)
        if status is None:
            with SetWorkflowID(night.name):
                DBOS.enqueue_workflow(_QUEUE, run_night, night.name)
        elif status.status in _OVER:
            _end_broken(workshop, night, status.error)
    return bool(waiting)


def _end_broken(workshop: Workshop, night: Night, error: BaseException | None) -> None:
    """The program has failed, which no night may hide."""
    if _read(workshop, night.name).state not in _UNDER_WAY:
        return
    detail = f"{type(error).__name__}: {error}" if error else "the night's program failed; see its log"
    log.error("night_failed", night=night.name, detail=detail)
    nights.end(workshop.database, night.name, NightState.KEPT, reason=Reason.INTERNAL, detail=detail)


def _read(workshop: Workshop, name: str) -> Night:
    with workshop.database.reading() as session:
        return nights.find_night(session, name)


@contextmanager
def _running(workshop: Workshop) -> Iterator[None]:
    """DBOS for the length of the block. A signal ends the process at once: the next start goes on at the step."""
    open_workshop(workshop)
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    config: DBOSConfig = {
        "name": "kensa-nights",
        "system_database_url": _system_url(workshop).render_as_string(hide_password=False),
        "dbos_system_schema": "kensa_nights",
        "application_version": _VERSION,
        "executor_id": "nights",
        "log_level": "WARNING",
        "console_log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()
    try:
        DBOS.register_queue(_QUEUE, global_concurrency=1, polling_interval_sec=_LOOK_S)
        yield
    finally:
        DBOS.destroy()
        for number, handler in before.items():
            signal.signal(number, handler)


def _system_url(workshop: Workshop) -> URL:
    url = workshop.settings.resolved_database_url
    if url.get_backend_name() == "postgresql":
        return url
    workshop.nights_folder.mkdir(parents=True, exist_ok=True)
    return URL.create("sqlite", database=str(workshop.nights_folder / SYSTEM_DATABASE))


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    end_all_trainers()
    sys.stderr.flush()
    # Threads of steps hold the interpreter; what they have not finished is done again anyway.
    os._exit(_STOPPED_STATUS)
