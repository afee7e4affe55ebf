"""Building what a run trains: the networks around an encoder, laid out for the device, with their optimiser."""

import torch

from inspection.terminal import say
from pretrain.encoder.encoder import Encoder
from pretrain.networks.networks import Networks
from pretrain.processes.device import device
from pretrain.processes.distributed import Team
from pretrain.processes.whole_batch_norm import spread_batch_norms
from pretrain.recipe import Recipe
from pretrain.training.checkpoint import Trainee
from pretrain.training.optimiser import build_optimiser
from pretrain.training.schedule import Progress


def build_trainee(encoder: Encoder, recipe: Recipe, team: Team, *, compiled: bool = False) -> Trainee:
    """Networks around `encoder` at their start, the same on every process. `compiled` is for CUDA alone."""
    generator = torch.Generator().manual_seed(recipe.seed)
    networks = Networks(encoder, recipe, generator)
    if team.count > 1:
        spread_batch_norms(networks)
    networks = networks.to(device()).to(memory_format=torch.channels_last).train()
    if device().type == "cuda":
        # Every batch has one shape: the fastest kernels are worth a search.
        torch.backends.cudnn.benchmark = True
    if compiled and device().type == "cuda":
        for part in filter(None, (networks.encoder, networks.momentum_encoder)):
            part.backbone.compile()
    elif compiled:
        say("--compile is left out: it gains on CUDA alone")
    return Trainee(networks, build_optimiser(networks, recipe), generator, Progress())
