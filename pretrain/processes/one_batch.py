"""One batch in several hands: each process holds some of its rows, and every loss sees all of them.

Draws are made for the whole batch from the one generator and cut to the rows at hand; embeddings are gathered before a
loss compares them. Then the number of processes changes nothing but the order of sums. Every process computes the
whole loss, so that its gradient with regard to its own rows needs no further exchange; summed over the processes, the
gradients of the weights are those of the whole batch.

Outside of `sharing` a batch lies in one hand, and all this is nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pretrain.processes.distributed import all_gather


@dataclass(frozen=True)
class Share:
    """The rows of one process in one part of a batch; parts follow each other, processes work side by side."""

    process: int = 0
    process_count: int = 1
    part: int = 0
    part_count: int = 1

    @property
    def count(self) -> int:
        """How many shares make the whole batch."""
        return self.process_count * self.part_count

    def rows(self, count: int) -> slice:
        """Where this share's `count` rows stand in the whole batch."""
        first = (self.part * self.process_count + self.process) * count
        return slice(first, first + count)


_ALONE = Share()
_share: ContextVar[Share] = ContextVar("share", default=_ALONE)


@contextmanager
def sharing(share: Share) -> Iterator[None]:
    """Within, a batch's tensors hold the rows of `share` alone."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


def current_share() -> Share:
    return _share.get()


def draw_rows(count: int, draw: Callable[[int], Tensor]) -> Tensor:
    """`count` rows at hand of what `draw` makes for as many rows as the whole batch has."""
    share = _share.get()
    return draw(count * share.count)[share.rows(count)]


def gather(rows: Tensor, dim: int = 0) -> Tensor:
    """The rows of all processes along `dim`, with gradient to the own ones."""
    share = _share.get()
    if share.process_count == 1:
        return rows
    gathered: Tensor = _Gather.apply(rows, dim, share)
    return gathered


def mean_of_all(value: Tensor) -> Tensor:
    """The mean of a scalar over all processes, with gradient to the own one."""
    return gather(value.reshape(1)).mean()


def row_before(rows: Tensor) -> Tensor:
    """Each row's neighbour before it in the batch, the last one for the first. No gradient."""
    share = _share.get()
    turned = rows.roll(1, dims=0)
    if share.process_count > 1:
        turned[0] = all_gather(rows[-1])[share.process - 1]
    return turned


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, dim: int, share: Share) -> Tensor:
        ctx.dim, ctx.first, ctx.count = dim, share.process * rows.shape[dim], rows.shape[dim]
        if rows.dtype == torch.bool:
            return torch.cat(all_gather(rows.to(torch.uint8)), dim).bool()
        return torch.cat(all_gather(rows), dim)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.narrow(ctx.dim, ctx.first, ctx.count), None, None
