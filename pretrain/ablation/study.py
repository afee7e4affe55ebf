"""The study: every arm under every seed, each run trained, probed and recorded once.

OUT/ablation.json            what was asked: scale, seeds, data, and what each arm forwards
OUT/images/                  the training images, without their classes
OUT/runs/seed-N-ARM/         a run as `python -m pretrain train` makes it
OUT/figures/seed-N-ARM.json  its figures; there when the run is done
OUT/figures/seed-N-init.json figures of the random weights that all arms of a seed start from
OUT/figures/pixels.json      figures without any encoder
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from inspection.errors import TrainingError
from inspection.terminal import say
from pretrain.ablation.arms import ARMS, Arm
from pretrain.ablation.json_files import measured_once
from pretrain.ablation.plan import Plan, draw_plan, settle_plan
from pretrain.ablation.scale import Scale
from pretrain.ablation.unpacking import unpack
from pretrain.evaluate.classes import check_classes, check_pixels
from pretrain.evaluate.labeled_images import LabeledImages, find_labeled_files, load_labeled_images
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train

INIT = "init"
# Of data without a split of its own; the same for every seed of the study.
_SPLIT_SEED = 0


@dataclass(frozen=True)
class AblationRequest:
    """What a person asks for on the command line; `seeds` None is the scale's own number."""

    scale: Scale
    data: Path
    out: Path
    seeds: int | None = None
    resume: bool = False


@dataclass(frozen=True)
class Study:
    """A finished study: figures over seeds, by arm and for INIT; and those of bare pixels."""

    plan: Plan
    by_arm: dict[str, list[dict[str, Any]]]
    pixels: dict[str, Any]


def run_ablation(request: AblationRequest) -> Study:
    """Run the study, or what is left of it. Raises KensaError for all a person can mend."""
    scale, out = request.scale, request.out
    if (out / "ablation.json").exists() and not request.resume:
        raise TrainingError(f"{out}: holds an ablation already", "add --resume, or choose another --out")
    files = find_labeled_files(request.data, _SPLIT_SEED)
    files = files.only(scale.classes or files.classes, scale.train_images_per_class)
    images = load_labeled_images(files, scale.recipe.preprocessing)
    plan = draw_plan(scale, request.seeds or scale.seeds, images)
    settle_plan(out / "ablation.json", plan)
    unpack(files, out / "images")
    pixels = measured_once(out / "figures" / "pixels.json", partial(check_pixels, images))
    by_arm: dict[str, list[dict[str, Any]]] = {name: [] for name in (INIT, *(arm.letter for arm in ARMS))}
    for seed, arm in _runs(plan):
        recipe = arm.recipe(scale.recipe, seed, plan.arms[arm.letter].steps)
        training = TrainingRequest(recipe, out / "images", out / "runs" / f"seed-{seed}-{arm.letter}", resume=True)
        figures = out / "figures" / f"seed-{seed}-{arm.letter}.json"
        by_arm[arm.letter].append(measured_once(figures, partial(_train_and_probe, training, images)))
        if arm is ARMS[0]:
            start = partial(_probe_start, RunDirectory(training.out), images)
            by_arm[INIT].append(measured_once(figures.with_stem(f"seed-{seed}-{INIT}"), start))
    return Study(plan, by_arm, pixels)


def _runs(plan: Plan) -> Iterator[tuple[int, Arm]]:
    # Seed by seed: a study that is stopped early has all arms of the seeds that are done.
    for seed in range(plan.seeds):
        for place, arm in enumerate(ARMS, start=1):
            say(f"run {seed * len(ARMS) + place} of {plan.seeds * len(ARMS)}: seed {seed}, ({arm.letter}) {arm.adds}")
            yield seed, arm


def _train_and_probe(request: TrainingRequest, images: LabeledImages) -> dict[str, object]:
    run = train(request)
    last = run.last_metrics()
    cost = {"steps": last["step"], "minutes": last["elapsed_s"] / 60, "images_per_s": last["images_per_s"]}
    return check_classes(run.load_encoder(), images) | cost


def _probe_start(run: RunDirectory, images: LabeledImages) -> dict[str, object]:
    return check_classes(run.load_encoder(as_started=True), images)
