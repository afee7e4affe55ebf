"""The processes of one run: how they find each other (torchrun, env://), and how they stop together.

Rank 0 writes and speaks; the others are silent. What is wrong on one process ends all of them, and is said once.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from inspection.errors import KensaError, TrainingError
from inspection.terminal import messages

# Preparing a million images on rank 0 takes its time; the death of a process is noticed at once all the same.
_LONGEST_WAIT = timedelta(hours=3)
_SET_BY_TORCHRUN = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}


@dataclass(frozen=True)
class Team:
    """The processes that train one encoder, and which of them this one is."""

    rank: int = 0
    count: int = 1
    rank_on_node: int = 0

    @property
    def leads(self) -> bool:
        """Does this process write and speak?"""
        return self.rank == 0

    @property
    def leads_node(self) -> bool:
        """Does this process prepare the images of its machine?"""
        return self.rank_on_node == 0


@contextmanager
def joined() -> Iterator[Team]:
    """The team that torchrun has started, or this process alone. Raises TrainingError."""
    team = _team_of(os.environ)
    if team.count == 1:
        yield team
        return
    has_gpu = torch.cuda.is_available()
    if has_gpu and team.rank_on_node >= torch.cuda.device_count():
        raise TrainingError(
            f"process {team.rank_on_node + 1} of this machine has no GPU of its own",
            f"give --nproc-per-node {torch.cuda.device_count()} to torchrun",
        )
    if has_gpu:
        torch.cuda.set_device(team.rank_on_node)
    was_quiet, messages.quiet = messages.quiet, not team.leads
    with told_of_the_others():
        dist.init_process_group("cpu:gloo,cuda:nccl" if has_gpu else "gloo", timeout=_LONGEST_WAIT)
    try:
        yield team
    finally:
        dist.destroy_process_group()
    # Not after an error: one process tells it, whichever all_or_none has let speak.
    messages.quiet = was_quiet


def is_leader() -> bool:
    """Does this process speak for its run?"""
    return _team_of(os.environ).leads


def _team_of(environment: Mapping[str, str]) -> Team:
    try:
        rank, count, local = (int(environment.get(name, alone)) for name, alone in _SET_BY_TORCHRUN.items())
    except ValueError:
        raise TrainingError(
            f"{', '.join(_SET_BY_TORCHRUN)}: no numbers", "start with torchrun, or unset these variables"
        ) from None
    return Team(rank, count, local)


@contextmanager
def told_of_the_others() -> Iterator[None]:
    """A process that is lost while the others wait for it becomes a TrainingError."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise TrainingError(
            "another process of this run has ended or cannot be reached", "start all of them again with --resume"
        ) from error


@contextmanager
def all_or_none(team: Team) -> Iterator[None]:
    """What fails for one process fails for all, and the first of them says why. All wait here for each other."""
    fault: KensaError | None = None
    try:
        yield
    except KensaError as error:
        fault = error
    faults = exchange(team, [fault.problem, fault.remedy] if fault else [])
    first = next((rank for rank, told in enumerate(faults) if told), None)
    if first is None:
        return
    if team.count > 1:
        messages.quiet = team.rank != first
    if fault is not None:
        raise fault
    raise TrainingError(*faults[first])


def exchange(team: Team, value: Any) -> list[Any]:
    """A small JSON value of every process, by rank."""
    if team.count == 1:
        return [value]
    text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
    sizes = all_gather(torch.tensor([len(text)]))
    longest = int(torch.cat(sizes).max())
    padded = torch.cat([text, text.new_zeros(longest - len(text))])
    rows = all_gather(padded)
    return [json.loads(bytes(row[: int(size)].tolist())) for row, size in zip(rows, sizes, strict=True)]


def from_leader(team: Team, value: float) -> float:
    """Rank 0's number, on every process: clocks differ."""
    if team.count == 1:
        return value
    told = torch.tensor([value], dtype=torch.float64)
    with told_of_the_others():
        dist.broadcast(told, 0)
    return float(told)


def all_gather(rows: Tensor) -> list[Tensor]:
    """The tensor of every process, by rank; all of one shape."""
    gathered = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(dist.get_world_size())]
    with told_of_the_others():
        dist.all_gather(gathered, rows.contiguous())
    return gathered


def all_reduce(values: Tensor) -> Tensor:
    """The sum over all processes, in place."""
    with told_of_the_others():
        dist.all_reduce(values)
    return values


def sum_gradients(team: Team, parameters: Sequence[Tensor]) -> None:
    """Every process's share of the gradient becomes the gradient of the whole batch."""
    gradients = [weight.grad for weight in parameters if weight.grad is not None]
    if team.count == 1 or not gradients:
        return
    summed = all_reduce(torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient, piece in zip(gradients, summed.split([part.numel() for part in gradients]), strict=True):
        gradient.copy_(piece.view(gradient.shape))
