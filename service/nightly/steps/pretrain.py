"""Step 3: pretraining on the chosen pictures, going on from the champion's teacher."""

import json
import time
from pathlib import Path

from service.nightly.endings import NightEnded
from service.nightly.steps.findings import Figures, Findings
from service.nightly.tables import Reason
from service.nightly.workshop import Bench
from service.registry.operations import find_lineage

_LEAST_MINUTES = 0.05


def pretrain(bench: Bench, found: Findings) -> Figures:
    """A run that a killed night began is gone on with. Raises NightEnded."""
    plan, folder = bench.line.training, bench.folder.teacher
    started = _started_minutes(folder)
    minutes = started or share_of_budget(bench, plan.pretrain_share)
    start = find_start(bench, found["freeze"]["champion_id"])
    words: list[str | Path] = ["train", plan.recipe, "--images", bench.folder.pictures, "--out", folder]
    words += ["--minutes", f"{minutes:g}"]
    words += ["--init", start] if start else []
    words += ["--resume"] if started else []
    answer = bench.trainer.pretrain(*words, deadline=bench.deadline)
    return {"minutes": minutes, "start_weights": str(start) if start else None, "trainer": _numbers(answer)}


def share_of_budget(bench: Bench, share: float) -> float:
    """Minutes for a training that takes this share of what is left. Raises NightEnded where that is next to nothing."""
    left = (bench.deadline - time.time()) / 60
    if left * share < _LEAST_MINUTES:
        raise NightEnded(Reason.BUDGET_SPENT, f"{max(left, 0):.1f} of {bench.night.minutes:g} minutes are left")
    return round(left * share, 3)


def find_start(bench: Bench, champion_id: str) -> Path | None:
    """The encoder of the champion's teacher; before the first night, what the plan names."""
    plan = bench.line.training
    with bench.workshop.database.reading() as session:
        lineage = find_lineage(session, champion_id)
    teachers = [Path(lineage.teacher) if lineage and lineage.teacher else None, plan.teacher]
    for teacher in teachers:
        if teacher is not None and (teacher / "encoder.safetensors").is_file():
            return teacher / "encoder.safetensors"
    return plan.start_weights


def _started_minutes(folder: Path) -> float | None:
    """What a run that lies there was begun with; None where none was."""
    try:
        minutes: float | None = json.loads((folder / "run.json").read_text(encoding="utf-8"))["minutes"]
    except (OSError, ValueError, LookupError):
        return None
    return minutes


def _numbers(answer: Figures) -> Figures:
    return {name: value for name, value in answer.items() if isinstance(value, int | float)}
