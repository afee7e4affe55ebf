"""The networks of the method, and the heads that serve the loss only."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pretrain.ema import follow, momentum_copy
from pretrain.encoder import Encoder
from pretrain.neighbour_queue import NeighbourQueue
from pretrain.recipe import Recipe


class Networks(nn.Module):
    """Online, momentum and local network with their queue.

    The local network is the online one under stop-gradient: it shares the weights and has none of its own.
    """

    def __init__(self, encoder: Encoder, recipe: Recipe, generator: torch.Generator) -> None:
        super().__init__()
        method = recipe.method
        width = method.projection_width
        self.encoder = encoder
        self.projector = _projector(encoder.pooled_width, width)
        self.predictor = _predictor(width, method.prediction_hidden_width)
        self.dense_head = _dense_head(encoder.width, method.dense_width)
        self.momentum_encoder = momentum_copy(encoder)
        self.momentum_projector = momentum_copy(self.projector)
        self.start_encoder = momentum_copy(encoder) if method.preserve_weight else None
        self.queue = NeighbourQueue(method.queue_length, width, generator)
        self.ema_momentum = method.ema_momentum
        self.isolate_patch_statistics = method.isolate_patch_statistics

    def momentum_embeddings(self, views: Tensor) -> Tensor:
        """Whole views through the momentum network: [B, width], without gradient."""
        with torch.no_grad():
            projected: Tensor = self.momentum_projector(self.momentum_encoder.pooled(views))
            return projected

    def pooled_patches(self, patches: Tensor) -> Tensor:
        """Patches through the local network's encoder: [patches, P], without gradient."""
        with torch.no_grad(), running_statistics_kept(self.encoder, self.isolate_patch_statistics):
            return self.encoder.pooled(patches)

    def project_combinations(self, combinations: Tensor) -> Tensor:
        """[C, B, P] to c, [C, B, width], without gradient; every combination is a batch of its own to BatchNorm."""
        with torch.no_grad(), running_statistics_kept(self.projector, self.isolate_patch_statistics):
            return torch.stack([self.projector(combination) for combination in combinations])

    def update_momentum_network(self) -> None:
        """One step of exponential moving average, after the optimiser's."""
        follow(self.momentum_encoder, self.encoder, self.ema_momentum)
        follow(self.momentum_projector, self.projector, self.ema_momentum)

    def train(self, mode: bool = True) -> "Networks":
        super().train(mode)
        if self.start_encoder is not None:
            self.start_encoder.eval()
        return self


@contextmanager
def running_statistics_kept(module: nn.Module, kept: bool = True) -> Iterator[None]:
    """Let BatchNorm normalise by the batch in hand without moving its running statistics."""
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)] if kept else []
    rates = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, rate in zip(norms, rates, strict=True):
            norm.momentum = rate


def _projector(inner: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index, entering in enumerate((inner, width, width)):
        layers += [nn.Linear(entering, width, bias=False), nn.BatchNorm1d(width)]
        if index < 2:
            layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def _predictor(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, width)
    )


def _dense_head(inner: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inner, inner, 1), nn.ReLU(inplace=True), nn.Conv2d(inner, width, 1))
