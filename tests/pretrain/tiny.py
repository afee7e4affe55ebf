"""Recipes and networks small enough to train in a test."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from inspection.images.preprocess import Preprocessing
from pretrain.encoder.encoder import Encoder
from pretrain.method import StepLosses, step_losses
from pretrain.networks.networks import Networks
from pretrain.recipe import EncoderRecipe, MethodRecipe, OptimisationRecipe, Recipe, ViewsRecipe

SIDE_PX = 64
# Written in full, so that a test may change a value and write the recipe to a file.
RECIPE_TOML = """
name = "tiny"
choose_illumination = false
[preprocessing]
input_px = 64
[encoder]
backbone = "test_efficientnet"
taps = [8, 16]
pooled_tap = 16
[views]
view_px = 64
[method]
projection_width = 32
prediction_hidden_width = 16
queue_length = 32
dense_width = 16
dense_weight = 1.0
flaw_weight = 1.0
[optimisation]
batch_size = 8
steps = 6
precision = "float32"
"""


def tiny_recipe(*, encoder: dict[str, Any] | None = None, steps: int = 6, **method: Any) -> Recipe:
    """A recipe for 64 px images; `method` overrides its method section."""
    sizes = {"projection_width": 32, "prediction_hidden_width": 16, "queue_length": 32, "dense_width": 16}
    backbone = {"backbone": "test_efficientnet", "taps": (8, 16), "pooled_tap": 16}
    return Recipe(
        name="tiny",
        preprocessing=Preprocessing(input_px=SIDE_PX),
        choose_illumination=False,
        encoder=EncoderRecipe(**{**backbone, **(encoder or {})}),
        views=ViewsRecipe(view_px=SIDE_PX),
        method=MethodRecipe(**{**sizes, **method}),
        optimisation=OptimisationRecipe(batch_size=8, steps=steps, precision="float32"),
    )


def only(term: str, **others: Any) -> Recipe:
    """A recipe with one term of the loss."""
    terms = ("global", "local", "dense", "flaw", "preserve")
    weights = {f"{name}_weight": float(name == term) for name in terms}
    return tiny_recipe(**{**weights, **others})


def tiny_networks(recipe: Recipe, seed: int = 0, *, warm: bool = False) -> Networks:
    """Networks in training mode; with `warm`, their random weights count as start weights."""
    torch.manual_seed(seed)
    encoder = Encoder(recipe.encoder)
    encoder.has_start_weights = warm
    return Networks(encoder, recipe, torch.Generator().manual_seed(seed)).train()


def some_images(count: int = 8, seed: int = 0) -> Tensor:
    """Smooth random images, float [B, 3, 64, 64] in 0..1."""
    coarse = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(SIDE_PX, SIDE_PX), mode="bicubic").clamp(0, 1)


def one_step(networks: Networks, recipe: Recipe, seed: int = 0) -> StepLosses:
    """Losses of one batch, with their gradients in the networks."""
    losses = step_losses(networks, some_images(), recipe, torch.Generator().manual_seed(seed))
    losses.total.backward()
    return losses


def gradient_size(module: nn.Module) -> float:
    """The sum of all gradients' sizes; 0 where none has arrived."""
    return sum(float(part.grad.abs().sum()) for part in module.parameters() if part.grad is not None)
