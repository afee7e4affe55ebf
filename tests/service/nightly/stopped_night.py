"""`python stopped_night.py STEP ...`: the nightly command, which stands still in one step, its work done but not told.

Writes every finished step to steps.txt beside the data, and a file `standing` once it stands still.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from inspection.terminal import run_command_line
from service.command import app
from service.nightly import nights
from service.nightly.course import STEPS

HOME = Path(os.environ["FAKE_HOME"])
STOPPED = sys.argv.pop(1)
tell = nights.end_step


def told(database: Any, night_id: int, step: str, figures: dict[str, Any]) -> None:
    """The moment in which a step is finished."""
    tell(database, night_id, step, figures)
    with (HOME / "steps.txt").open("a") as file:
        print(step, file=file)


def standing_still(bench: Any, found: Any) -> Any:
    """Done, and not told of."""
    figures = working(bench, found)
    (HOME / "standing").write_text(STOPPED)
    time.sleep(600)
    return figures


nights.end_step = told
if STOPPED in STEPS:
    working = STEPS[STOPPED]
    STEPS[STOPPED] = standing_still
run_command_line(app)
