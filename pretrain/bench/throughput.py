"""Images a second of a step and of its parts, measured side by side: block by block in turn, so that what else the
machine does falls on all of them alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from inspection.terminal import progress_bar
from pretrain.bench.workload import Workload
from pretrain.evaluate.embeddings import as_input
from pretrain.networks.networks import Networks
from pretrain.processes.device import device
from pretrain.processes.distributed import Team, from_leader
from pretrain.training.step import take_step

_STEPS_A_BLOCK = 8
_LEAST_ROUNDS = 2


@dataclass(frozen=True)
class Throughput:
    """Images a second of all processes together, over `rounds` blocks of each kind."""

    full_step: float
    device_step: float
    forward_backward: float
    rounds: int

    @property
    def ratio(self) -> float:
        """How much of the device's speed the full step keeps."""
        return self.full_step / self.device_step


def measure_throughput(workload: Workload, seconds: float, team: Team) -> Throughput:
    """Measure for about `seconds`, after a round that counts for nothing."""
    kinds: dict[str, Callable[[], None]] = {
        "full": lambda: _full_steps(workload, team),
        "device": lambda: _device_steps(workload, team),
        "bare": lambda: _forward_backward(workload),
    }
    spent: dict[str, list[float]] = {name: [] for name in kinds}
    for block in kinds.values():
        _timed(block)
    with progress_bar("measuring", 1.0) as advance:
        done, rounds, began = 0.0, 0, time.monotonic()
        while done < 1 or rounds < _LEAST_ROUNDS:
            for name, block in kinds.items():
                spent[name].append(_timed(block))
            rounds += 1
            share = min(from_leader(team, (time.monotonic() - began) / seconds), 1.0)
            advance(share - done)
            done = share
    images = workload.batches.batch_size * _STEPS_A_BLOCK
    full, on_device, bare = (images / statistics.median(times) for times in spent.values())
    return Throughput(full, on_device, bare, rounds)


def _timed(block: Callable[[], None]) -> float:
    _synchronise()
    began = time.perf_counter()
    block()
    _synchronise()
    return time.perf_counter() - began


def _synchronise() -> None:
    if device().type == "cuda":
        torch.cuda.synchronize()


def _full_steps(workload: Workload, team: Team) -> None:
    """Steps whose batches come from the shard. Waiting for the first, and what is fetched too many, count too."""
    trainee = workload.trainee
    with workload.batches.starting_at(trainee.progress.step) as fetched:
        for _ in range(_STEPS_A_BLOCK):
            _step(workload, next(fetched), team)


def _device_steps(workload: Workload, team: Team) -> None:
    for _ in range(_STEPS_A_BLOCK):
        _step(workload, workload.resident, team)


def _step(workload: Workload, pixels: Tensor, team: Team) -> None:
    losses = take_step(workload.trainee, as_input(pixels, device()), workload.recipe, 0.1, team)
    # As a run looks at its loss.
    losses.total.item()
    workload.trainee.progress.step += 1


def _forward_backward(workload: Workload) -> None:
    """The encoder alone: every image once, at the size of a view."""
    networks, recipe = workload.trainee.networks, workload.recipe
    assert isinstance(networks, Networks)
    side = recipe.views.view_px
    views = F.interpolate(as_input(workload.resident, device()), size=(side, side)).contiguous(
        memory_format=torch.channels_last
    )
    half = recipe.optimisation.precision == "bfloat16"
    for _ in range(_STEPS_A_BLOCK):
        networks.encoder.zero_grad(set_to_none=True)
        with torch.autocast(device().type, torch.bfloat16, enabled=half):
            embeddings, pooled = networks.encoder(views)
        (embeddings.float().sum() + pooled.float().sum()).backward()
