"""From pictures to a bundle: pretraining and distillation as a person would start them, each done only once."""

from __future__ import annotations

import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.processes import ProcessGroup
from inspection import __version__
from inspection.errors import KensaError
from inspection.images.digest import sha256_of_file
from inspection.images.folders import find_pictures
from inspection.stage_book import Inputs, Outcome, Stage, StageBook, listing_sha256
from inspection.start_weights import COLD_RECIPE, WARM_RECIPE
from inspection.terminal import say

RECIPES = Path(__file__).resolve().parents[2] / "pretrain" / "recipes"


class StageFailed(KensaError):
    """A command of the product ended with an error, which it has told in its own words."""


@dataclass(frozen=True)
class Programs:
    """The commands the demonstration starts, without their options."""

    pretrain: tuple[str, ...] = (sys.executable, "-m", "pretrain")
    distill: tuple[str, ...] = (sys.executable, "-m", "distill")
    service: tuple[str, ...] = (sys.executable, "-m", "service")


@dataclass(frozen=True)
class Trained:
    """A bundle that stands, what decided its content, and how long its making took."""

    bundle: Path
    key: str
    pretrain: Outcome
    distill: Outcome


def run_stage_command(processes: ProcessGroup, name: str, command: list[str | Path]) -> None:
    """Run one command of the product; raises StageFailed when it does not end well."""
    status = processes.run(command)
    if status < 0:
        raise StageFailed(
            f"{name}: was ended by {signal.Signals(-status).name}", "if memory ran out, close other programs"
        )
    if status > 0:
        raise StageFailed(f"{name}: ended with status {status}", "its own message above says what to mend")


def pretrain_stage(
    processes: ProcessGroup, programs: Programs, images: Path, folder: Path, minutes: float, init: Path | None
) -> Stage:
    """Unlabeled pictures to a run folder."""
    run = folder / "run"
    recipe = WARM_RECIPE if init else COLD_RECIPE
    recipe_file = RECIPES / f"{recipe}.toml"

    def work(resume: bool) -> None:
        options: list[str | Path] = ["--images", images, "--out", run, "--minutes", f"{minutes:g}"]
        options += ["--init", init] if init else []
        if resume:
            options.append("--resume")
        else:
            shutil.rmtree(run, ignore_errors=True)
        run_stage_command(processes, "pretrain", [*programs.pretrain, "train", recipe, *options])

    pictures = [picture.path for picture in find_pictures(images)]
    inputs: Inputs = {
        "images": listing_sha256(images, pictures),
        "recipe": sha256_of_file(recipe_file),
        "minutes": minutes,
        "version": __version__,
        "init": listing_sha256(init.parent, [init]) if init else None,
    }
    return Stage("pretrain", inputs, run, work)


def distill_stage(
    processes: ProcessGroup, programs: Programs, images: Path, folder: Path, minutes: float, teacher: Stage
) -> Stage:
    """A run and the same pictures to a bundle."""
    bundle = folder / "bundle"

    def work(resume: bool) -> None:
        shutil.rmtree(bundle, ignore_errors=True)
        options: list[str | Path] = ["--teacher", teacher.output, "--images", images, "--out", bundle]
        options += ["--minutes", f"{minutes:g}"]
        run_stage_command(processes, "distill", [*programs.distill, "build", *options])

    return Stage("distill", {"teacher": teacher.key, "minutes": minutes}, bundle, work)


def train(
    processes: ProcessGroup, programs: Programs, images: Path, folder: Path, minutes: float, init: Path | None
) -> Trained:
    """A bundle for these pictures; what stands already is reused, an interrupted training goes on."""
    book = StageBook(folder / "stages")
    teacher = pretrain_stage(processes, programs, images, folder, minutes, init)
    start = f"from {init.name}" if init else "from random weights"
    say(f"[2/5] pretrain: {minutes:g} minutes on the unlabeled pictures, {start}")
    pretrained = book.complete(teacher)
    if pretrained.reused:
        say(f"      reused {teacher.output}")
    student = distill_stage(processes, programs, images, folder, minutes, teacher)
    say(f"[3/5] distill: the student, its memory bank, thresholds and proofs (at most {minutes:g} minutes of teaching)")
    distilled = book.complete(student)
    if distilled.reused:
        say(f"      reused {student.output}")
    return Trained(student.output, student.key, pretrained, distilled)
