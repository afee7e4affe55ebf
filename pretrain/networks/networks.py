"""The networks of the method, and the heads that serve the loss only."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn

from pretrain.encoder.encoder import Encoder
from pretrain.networks.ema import follow, momentum_copy
from pretrain.networks.neighbour_queue import NeighbourQueue
from pretrain.recipe import Recipe


class Networks(nn.Module):
    """Online, momentum and local network with their queue, as far as the recipe's terms need them.

    The local network is the online one under stop-gradient: it shares the weights and has none of its own.
    """

    momentum_encoder: Encoder | None
    momentum_projector: nn.Sequential | None

    def __init__(self, encoder: Encoder, recipe: Recipe, generator: torch.Generator) -> None:
        super().__init__()
        method = recipe.method
        width = method.projection_width
        self.encoder = encoder
        self.projector = _projector(encoder.pooled_width, width)
        self.predictor = _predictor(width, method.prediction_hidden_width)
        self.dense_head = _dense_head(encoder.width, method.dense_width)
        self.momentum_encoder, self.momentum_projector = None, None
        if method.finds_targets and method.networks > 1:
            self.momentum_encoder = momentum_copy(encoder)
            self.momentum_projector = momentum_copy(self.projector)
            if not method.momentum_starts_as_copy:
                self.momentum_encoder = momentum_copy(Encoder(encoder.recipe))
                self.momentum_projector = momentum_copy(_projector(encoder.pooled_width, width))
        # Random weights are nothing to hold on to.
        holds_on = method.preserve_weight and encoder.has_start_weights
        self.start_encoder = momentum_copy(encoder) if holds_on else None
        has_queue = method.finds_targets and method.neighbours
        self.queue = NeighbourQueue(method.queue_length, width, generator) if has_queue else None
        self.ema_momentum = method.ema_momentum
        self.isolate_patch_statistics = method.isolate_patch_statistics

    def target_embeddings(self, views: Tensor, projected: Tensor) -> Tensor:
        """What whole views are to others, [B, width], without gradient: their momentum embeddings.

        Where there is no momentum network, `projected` is: what the online projector made of the same views.
        """
        if self.momentum_encoder is None or self.momentum_projector is None:
            return projected.detach()
        with torch.no_grad():
            embedded: Tensor = self.momentum_projector(self.momentum_encoder.pooled(views))
            return embedded

    def neighbours(self, targets: Tensor) -> Tensor:
        """The queue's nearest entry to each of [B, width], or, where there is no queue, these themselves."""
        return targets if self.queue is None else self.queue.nearest(targets)

    def small_views_apart(self) -> AbstractContextManager[None]:
        """Within, the online network sees small views, which the recipe may keep out of its running statistics."""
        return running_statistics_kept(self, self.isolate_patch_statistics)

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
        if self.momentum_encoder is not None and self.momentum_projector is not None:
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
