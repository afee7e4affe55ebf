"""Counting image-forwards: how much a step looks at, counted while it looks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pretrain.encoder.encoder import Encoder
from pretrain.method import step_losses
from pretrain.networks.networks import Networks
from pretrain.recipe import Recipe

_BATCH = 4


@dataclass
class Forwards:
    """Image-forwards in whole views: two patches of a quarter view each are half a forward."""

    total: float = 0.0
    with_gradient: float = 0.0


def forwards_per_image(recipe: Recipe) -> Forwards:
    """What one step of `recipe` forwards for each image of its batch, through the encoders of all its networks."""
    generator = torch.Generator().manual_seed(0)
    # The state of torch's own generator is the caller's; building an encoder draws from it.
    with torch.random.fork_rng(devices=[]):
        networks = Networks(Encoder(recipe.encoder), recipe, generator).train()
    side = recipe.preprocessing.input_px
    images = torch.rand(_BATCH, 3, side, side, generator=generator)
    with counted(networks, recipe.views.view_px**2 * _BATCH) as forwards:
        step_losses(networks, images, recipe, generator)
    return forwards


@contextmanager
def counted(networks: nn.Module, pixels_per_forward: int) -> Iterator[Forwards]:
    """Count what enters each backbone within the block, by pixels."""
    forwards = Forwards()

    def count(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        images = arguments[0]
        share = images.shape[0] * images.shape[2] * images.shape[3] / pixels_per_forward
        forwards.total += share
        forwards.with_gradient += share * torch.is_grad_enabled()

    encoders = [module for module in networks.modules() if isinstance(module, Encoder)]
    hooks = [encoder.backbone.register_forward_pre_hook(count) for encoder in encoders]
    try:
        yield forwards
    finally:
        for hook in hooks:
            hook.remove()
