"""A training run, from a folder of unlabeled images to a pretrained encoder."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from inspection import __version__
from inspection.errors import TrainingError
from inspection.images.digest import sha256_of_file
from inspection.images.folders import find_pictures
from inspection.images.illumination import Illumination
from inspection.terminal import progress_bar, say
from pretrain.checkpoint import Trainee, load_checkpoint, save_checkpoint
from pretrain.encoder import Encoder
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.illumination import choose_illumination
from pretrain.evaluate.splits import split_by_lot
from pretrain.evaluate.treatment import treat_all
from pretrain.image_set import ImageSet, load_images
from pretrain.method import StepLosses, step_losses
from pretrain.monitors import check_step
from pretrain.networks import Networks
from pretrain.optimiser import build_optimiser, set_learning_rates
from pretrain.recipe import Recipe
from pretrain.run_directory import RunDirectory, RunRecord
from pretrain.schedule import Progress, Schedule
from pretrain.start_weights import load_start_weights

_CHECKPOINT_EVERY_S = 30.0
_REPORT_EVERY_STEPS = 10


@dataclass(frozen=True)
class TrainingRequest:
    """What a person asks for on the command line."""

    recipe: Recipe
    images: Path
    out: Path
    minutes: float | None = None
    start_weights: Path | None = None
    resume: bool = False


def train(request: TrainingRequest) -> RunDirectory:
    """Run or resume a training; returns the finished run. Raises KensaError for all a person can mend."""
    run = RunDirectory(request.out)
    _refuse_to_overwrite(run, request)
    _check_start(request)
    run.create()
    torch.manual_seed(request.recipe.seed)
    encoder = Encoder(request.recipe.encoder)
    if request.start_weights is not None:
        load_start_weights(encoder, request.start_weights)
    images, recipe, split = _prepare_images(request, run, encoder)
    record = _record(request, recipe, images, split)
    if request.resume and run.record_file.is_file():
        _check_same(run, record)
    else:
        # The record last: with it the folder is a run, and whoever finds it finds the rest too.
        run.write_trained_digests(images.digests)
        run.save_encoder(encoder, run.start_file)
        run.write_record(record)
    generator = torch.Generator().manual_seed(recipe.seed)
    networks = Networks(encoder, recipe, generator).to(device()).to(memory_format=torch.channels_last).train()
    trainee = Trainee(networks, build_optimiser(networks, recipe), generator, Progress())
    if request.resume and load_checkpoint(run.root, trainee):
        say(f"resumed at step {trainee.progress.step}, {trainee.progress.elapsed_s:.0f} s into the schedule")
    _descend(run, trainee, images, recipe, request.minutes)
    run.save_encoder(networks.encoder, run.encoder_file)
    return run


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _descend(run: RunDirectory, trainee: Trainee, images: ImageSet, recipe: Recipe, minutes: float | None) -> None:
    schedule = Schedule(recipe.optimisation.steps, minutes, recipe.optimisation.warm_up)
    progress, saved_at = trainee.progress, time.monotonic()
    batches = _batches(images, recipe, trainee)
    with progress_bar("pretraining", 1.0) as advance:
        advance(schedule.share_done(progress))
        while (done := schedule.share_done(progress)) < 1:
            began = time.monotonic()
            losses = _take_step(trainee, next(batches), recipe, schedule.rate_factor(progress))
            check_step(losses, progress.step)
            progress.step += 1
            progress.elapsed_s += time.monotonic() - began
            now_done = schedule.share_done(progress)
            if progress.step % _REPORT_EVERY_STEPS in (0, 1) or now_done == 1:
                _report(run, losses, progress, min(recipe.optimisation.batch_size, len(images)))
            advance(now_done - done, note=f"step {progress.step}  loss {losses.total.item():.3f}")
            if time.monotonic() - saved_at > _CHECKPOINT_EVERY_S:
                save_checkpoint(run.root, trainee)
                saved_at = time.monotonic()
    save_checkpoint(run.root, trainee)


def _take_step(trainee: Trainee, images: Tensor, recipe: Recipe, rate_factor: float) -> StepLosses:
    set_learning_rates(trainee.optimiser, rate_factor)
    networks = trainee.networks
    assert isinstance(networks, Networks)
    half = recipe.optimisation.precision == "bfloat16"
    with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
        losses = step_losses(networks, images, recipe, trainee.generator)
    trainee.optimiser.zero_grad(set_to_none=True)
    losses.total.backward()
    torch.nn.utils.clip_grad_norm_(networks.parameters(), max_norm=10.0)
    trainee.optimiser.step()
    networks.update_momentum_network()
    return losses


def _batches(images: ImageSet, recipe: Recipe, trainee: Trainee) -> Iterator[Tensor]:
    """Shuffled batches without end, float [B, 3, S, S] in 0..1. A batch follows from the generator's state alone, so
    that a resumed run draws the same ones."""
    size = min(recipe.optimisation.batch_size, len(images))
    while True:
        chosen = torch.randperm(len(images), generator=trainee.generator)[:size]
        yield as_input(images.pixels[chosen], device())


def _prepare_images(request: TrainingRequest, run: RunDirectory, encoder: Encoder) -> tuple[ImageSet, Recipe, str]:
    """The images to train on, the recipe with its illumination settled, and how other images were held out."""
    recipe = request.recipe
    plain = recipe.preprocessing.model_copy(update={"illumination": Illumination.NONE})
    everything = load_images(find_pictures(request.images), plain)
    chosen, _, split = split_by_lot(everything, recipe.seed)
    images = everything.subset(chosen)
    if recipe.choose_illumination:
        if request.resume and run.record_file.is_file():
            illumination = run.read_record().recipe.preprocessing.illumination
        else:
            illumination = choose_illumination(encoder, images, recipe.seed)
        settled = recipe.preprocessing.model_copy(update={"illumination": illumination})
        recipe = recipe.model_copy(update={"preprocessing": settled, "choose_illumination": False})
    return images.with_pixels(treat_all(images.pixels, recipe.preprocessing.illumination)), recipe, split


def _record(request: TrainingRequest, recipe: Recipe, images: ImageSet, split: str) -> RunRecord:
    start = request.start_weights
    return RunRecord(
        recipe=recipe,
        recipe_sha256=recipe.sha256(),
        images=str(request.images),
        images_sha256=images.sha256,
        image_count=len(images),
        split=split,
        start_weights=str(start) if start else None,
        start_weights_sha256=sha256_of_file(start) if start else None,
        minutes=request.minutes,
        kensa_version=__version__,
    )


def _refuse_to_overwrite(run: RunDirectory, request: TrainingRequest) -> None:
    if run.record_file.exists() and not request.resume:
        raise TrainingError(f"{run.root}: holds a run already", "add --resume, or choose another --out")


def _check_start(request: TrainingRequest) -> None:
    if request.recipe.needs_start_weights and request.start_weights is None:
        raise TrainingError(
            f"recipe {request.recipe.name}: adapts start weights and there are none",
            "give --init, or choose a recipe that starts from scratch",
        )


def _check_same(run: RunDirectory, record: RunRecord) -> None:
    started = run.read_record()
    for field in ("recipe_sha256", "images_sha256", "start_weights_sha256", "minutes"):
        if getattr(started, field) != getattr(record, field):
            name = field.removesuffix("_sha256").replace("_", " ")
            raise TrainingError(
                f"{run.root}: was started with other {name}", "resume with the same, or choose another --out"
            )


def _report(run: RunDirectory, losses: StepLosses, progress: Progress, batch_size: int) -> None:
    values = {name: term.item() for name, term in losses.terms.items()}
    rate = batch_size * progress.step / max(progress.elapsed_s, 1e-9)
    run.append_metrics(
        {"step": progress.step, "elapsed_s": round(progress.elapsed_s, 3), "loss": losses.total.item(), **values}
        | {"spread": losses.spread, "images_per_s": round(rate, 1)}
    )
