"""What the benchmark trains: generated images in a shard, and the trainee of a recipe."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from inspection.images.digest import sha256_of_bytes
from pretrain.data.batches import Batches, TrainingImages, order_batches, shares_of
from pretrain.data.shard import read_shard, shard_name, write_shard
from pretrain.encoder.encoder import Encoder
from pretrain.processes.device import device
from pretrain.processes.distributed import Team, all_or_none
from pretrain.recipe import Recipe
from pretrain.training.checkpoint import Trainee
from pretrain.training.trainee import build_trainee

_BATCHES_ON_DISK = 4


@dataclass(frozen=True)
class Workload:
    """A trainee, the batches of a shard, and one batch that lies on the device already: uint8 [b, S, S, 3]."""

    recipe: Recipe
    trainee: Trainee
    batches: Batches
    resident: Tensor


def build_workload(recipe: Recipe, cache: Path, team: Team, *, compiled: bool) -> Workload:
    """Generate images and build the networks. Raises KensaError."""
    count = _BATCHES_ON_DISK * recipe.optimisation.batch_size
    pixels = _shard(recipe, count, cache, team)
    torch.manual_seed(recipe.seed)
    encoder = Encoder(recipe.encoder)
    # With start weights every term of the recipe takes part.
    encoder.has_start_weights = True
    trainee = build_trainee(encoder.to(device()), recipe, team, compiled=compiled)
    shares = shares_of(team, recipe.optimisation.accumulate)
    order = order_batches(count, recipe.optimisation.batch_size, recipe.seed, shares)
    batches = Batches(TrainingImages(pixels, torch.arange(count)), order, shares, device())
    own_count = recipe.optimisation.batch_size // team.count
    return Workload(recipe, trainee, batches, pixels[:own_count].to(device()))


def _shard(recipe: Recipe, count: int, cache: Path, team: Team) -> Tensor:
    digests = [sha256_of_bytes(str(place).encode()) for place in range(count)]
    name = shard_name(digests, recipe.preprocessing)
    with all_or_none(team):
        if team.leads_node and read_shard(cache, name) is None:
            images = zip(digests, _images(count, recipe.preprocessing.input_px), strict=True)
            write_shard(cache, name, recipe.preprocessing, images)
    shard = read_shard(cache, name, checked=True)
    assert shard is not None
    return shard.pixels


def _images(count: int, side: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(0)
    for _ in range(count):
        coarse = random.integers(0, 256, (max(side // 8, 2), max(side // 8, 2), 3), dtype=np.uint8)
        yield cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
