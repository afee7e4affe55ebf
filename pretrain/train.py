"""A training run, from a folder of unlabeled images to a pretrained encoder."""

from dataclasses import replace

import torch

from inspection.errors import TrainingError
from inspection.images.folders import find_pictures
from inspection.terminal import say
from pretrain.data.batches import Batches, order_batches, shares_of
from pretrain.data.input_size import fit_input
from pretrain.encoder.encoder import Encoder
from pretrain.encoder.start_weights import load_start_weights
from pretrain.processes.device import device
from pretrain.processes.distributed import Team, all_or_none, exchange, joined
from pretrain.recipe import Recipe
from pretrain.run_directory import RunDirectory
from pretrain.training.beginning import TrainingRequest, begin, check_request
from pretrain.training.checkpoint import Trainee, load_checkpoint
from pretrain.training.descent import descend
from pretrain.training.ending import blend_with_start
from pretrain.training.preparation import Prepared, prepare_images
from pretrain.training.schedule import Schedule
from pretrain.training.trainee import build_trainee

__all__ = ["TrainingRequest", "train"]


def train(request: TrainingRequest) -> RunDirectory:
    """Run or resume a training, with all processes that torchrun started; returns the finished run.

    Raises KensaError for all a person can mend.
    """
    with joined() as team:
        return _train(request, team)


def _train(request: TrainingRequest, team: Team) -> RunDirectory:
    run, seed = RunDirectory(request.out), request.recipe.seed
    with all_or_none(team):
        if team.leads:
            check_request(run, request)
            run.create()
        torch.manual_seed(seed)
        encoder = Encoder(request.recipe.encoder)
        if request.start_weights is not None:
            load_start_weights(encoder, request.start_weights)
        elif request.recipe.holds_on_to_start:
            say("from random weights, with nothing to hold on to: freeze_batch_norm and preserve_weight are left out")
    request = replace(request, recipe=_fitted(request, team))
    prepared = _prepare(request, run, encoder.to(device()), team)
    shares = shares_of(team, prepared.recipe.optimisation.accumulate)
    order = order_batches(len(prepared.images.rows), prepared.recipe.optimisation.batch_size, seed, shares)
    with all_or_none(team):
        if team.leads:
            begin(run, request, prepared, encoder)
    trainee = build_trainee(encoder, prepared.recipe, team, compiled=request.compile)
    _restore(run, request, trainee, team)
    optimisation = prepared.recipe.optimisation
    # From random weights there is nothing to forget.
    most_steps = optimisation.most_steps if encoder.has_start_weights else None
    schedule = Schedule(optimisation.steps, request.minutes, optimisation.warm_up, most_steps)
    batches = Batches(prepared.images, order, shares, device())
    if schedule.share_done(trainee.progress) < 1:
        descend(run, trainee, batches, prepared.recipe, schedule, team)
    with all_or_none(team):
        if team.leads:
            if optimisation.start_share and encoder.has_start_weights:
                blend_with_start(encoder, run.load_start_tensors(), optimisation.start_share)
            run.save_encoder(encoder, run.encoder_file)
    return run


def _fitted(request: TrainingRequest, team: Team) -> Recipe:
    """The recipe with the input its images ask for, the same on all processes."""
    recipe = request.recipe
    with all_or_none(team):
        if team.leads:
            recipe = fit_input(recipe, find_pictures(request.images))
    return Recipe.model_validate(exchange(team, recipe.model_dump(mode="json"))[0])


def _prepare(request: TrainingRequest, run: RunDirectory, encoder: Encoder, team: Team) -> Prepared:
    settled = None
    with all_or_none(team):
        if request.resume and team.leads and run.record_file.is_file():
            settled = run.read_record().recipe.preprocessing.illumination
    return prepare_images(request.images, request.cache_folder, request.recipe, encoder, settled, team)


def _restore(run: RunDirectory, request: TrainingRequest, trainee: Trainee, team: Team) -> None:
    with all_or_none(team):
        if request.resume and load_checkpoint(run.root, trainee):
            progress = trainee.progress
            say(f"resumed at step {progress.step}, {progress.elapsed_s:.0f} s into the schedule")
    with all_or_none(team):
        steps = exchange(team, trainee.progress.step)
        if len(set(steps)) > 1:
            raise TrainingError(
                f"{run.root}: not the same for all processes", "give --out a folder that all of them see"
            )
