"""The nightly command as a process of its own, forked from one that has everything imported: seconds are saved a start.

It may be told to stand still in one step, its work done but not told. Every finished step is written to steps.txt.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from inspection.terminal import run_command_line
from service.command import app
from service.nightly import nights
from service.nightly.course import STEPS

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload([__name__])


@dataclass
class NightProcess:
    """A started `python -m service nightly --now`; what it answers and says goes to files."""

    process: BaseProcess
    output: Path
    said: Path

    def kill(self) -> None:
        """As a power cut would: without warning."""
        self.process.kill()
        self.process.join(30)

    def wait(self) -> int | None:
        """Its exit status."""
        self.process.join(60)
        return self.process.exitcode


def start_night(home: Path, words: list[str], *, stop_in: str | None = None, **environment: str) -> NightProcess:
    """Below `home` lies the fake trainer's home, and the files that tell of the process."""
    number = len(list(home.glob("*.said")))
    started = NightProcess(
        _forking.Process(target=_run, args=(home, number, words, stop_in, environment)),
        home / f"{number}.output",
        home / f"{number}.said",
    )
    started.said.touch()
    started.process.start()
    return started


def _run(home: Path, number: int, words: list[str], stop_in: str | None, environment: dict[str, str]) -> None:
    for name, descriptor in (("output", 1), ("said", 2)):
        with (home / f"{number}.{name}").open("ab") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ.update({"FAKE_HOME": str(home), "KENSA_DISK_RESERVE_MB": "0", **environment})
    sys.argv = ["service", "nightly", "--now", *words]
    _keep_count(home)
    if stop_in is not None:
        _stand_still(home, stop_in)
    run_command_line(app)


def _keep_count(home: Path) -> None:
    tell = nights.end_step

    def told(database: Any, night_id: int, step: str, figures: dict[str, Any]) -> None:
        """The moment in which a step is finished."""
        tell(database, night_id, step, figures)
        with (home / "steps.txt").open("a") as file:
            print(step, file=file)

    nights.end_step = told


def _stand_still(home: Path, step: str) -> None:
    working = STEPS[step]

    def standing_still(bench: Any, found: Any) -> Any:
        """Done, and not told of."""
        figures = working(bench, found)
        (home / "standing").touch()
        time.sleep(600)
        return figures

    STEPS[step] = standing_still
