"""The loop of a run: batch, step, check, report, checkpoint."""

import time
from contextlib import nullcontext

from inspection.terminal import progress_bar
from pretrain.data.batches import Batches
from pretrain.evaluate.embeddings import as_input
from pretrain.processes.device import device
from pretrain.processes.distributed import Team, from_leader
from pretrain.recipe import Recipe
from pretrain.run_directory import RunDirectory
from pretrain.training.checkpoint import Trainee, save_checkpoint
from pretrain.training.monitors import check_step
from pretrain.training.reports import Reports
from pretrain.training.schedule import Schedule
from pretrain.training.step import take_step

CHECKPOINT_EVERY_S = 30.0


def descend(
    run: RunDirectory, trainee: Trainee, batches: Batches, recipe: Recipe, schedule: Schedule, team: Team
) -> None:
    """Train until the schedule ends. Rank 0 reports and writes checkpoints, on which all the others go on waiting."""
    progress, marked = trainee.progress, time.monotonic()
    saved_at = marked
    reports = Reports(run, progress, batches.batch_size) if team.leads else None
    with (
        reports or nullcontext(),
        batches.starting_at(progress.step) as fetched,
        progress_bar("pretraining", 1.0) as advance,
    ):
        advance(schedule.share_done(progress))
        while (done := schedule.share_done(progress)) < 1:
            images = as_input(next(fetched), device())
            losses = take_step(trainee, images, recipe, schedule.rate_factor(progress), team)
            check_step(losses, progress.step)
            progress.step += 1
            # All the time there is, also that of reports and checkpoints: minutes end when they are over.
            before, marked = marked, time.monotonic()
            progress.elapsed_s = from_leader(team, progress.elapsed_s + marked - before)
            now_done = schedule.share_done(progress)
            if reports is None:
                continue
            reports.step(losses, progress, is_last=now_done == 1)
            advance(now_done - done, note=reports.note)
            if time.monotonic() - saved_at > CHECKPOINT_EVERY_S:
                save_checkpoint(run.root, trainee)
                saved_at = time.monotonic()
    if team.leads:
        save_checkpoint(run.root, trainee)
