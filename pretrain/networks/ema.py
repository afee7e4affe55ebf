"""The momentum network: a copy that follows the online one by exponential moving average."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)


def momentum_copy(online: Module) -> Module:
    """A copy of `online`, equal at the start and without gradient."""
    copied = copy.deepcopy(online)
    copied.requires_grad_(False)
    return copied


@torch.no_grad()
def follow(momentum: nn.Module, online: nn.Module, ema_momentum: float) -> None:
    """momentum <- ema_momentum * momentum + (1 - ema_momentum) * online, for weights; buffers are the network's own."""
    targets: list[Tensor] = list(momentum.parameters())
    sources: list[Tensor] = list(online.parameters())
    torch._foreach_lerp_(targets, sources, 1 - ema_momentum)
