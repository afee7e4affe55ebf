"""One step of the optimiser: rates, clipping and the momentum network that follows."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pretrain.networks.networks import Networks
from pretrain.recipe import Recipe
from pretrain.training.checkpoint import Trainee
from pretrain.training.optimiser import build_optimiser, set_learning_rates
from pretrain.training.schedule import Progress
from pretrain.training.step import take_step as descend_once
from tests.pretrain.tiny import some_images, tiny_networks, tiny_recipe

PLAIN = {
    "optimiser": "sgd",
    "sgd_momentum": 0.0,
    "weight_decay": 0.0,
    "learning_rate": 0.2,
    "backbone_rate_factor": 0.25,
}


def recipe_with(**optimisation: Any) -> Recipe:
    recipe = tiny_recipe(dense_weight=1.0, flaw_weight=1.0)
    return recipe.model_copy(update={"optimisation": recipe.optimisation.model_copy(update={**PLAIN, **optimisation})})


def take_step(recipe: Recipe, rate_factor: float) -> tuple[Trainee, dict[str, torch.Tensor]]:
    """A trainee after one step, and its weights before."""
    networks = tiny_networks(recipe, warm=True)
    trainee = Trainee(networks, build_optimiser(networks, recipe), torch.Generator().manual_seed(0), Progress())
    before = {name: weight.detach().clone() for name, weight in networks.named_parameters()}
    descend_once(trainee, some_images(), recipe, rate_factor)
    return trainee, before


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_the_optimiser_holds_all_of_the_online_network_and_nothing_else(optimiser: str) -> None:
    recipe = recipe_with(optimiser=optimiser)
    networks = tiny_networks(recipe, warm=True)
    groups = build_optimiser(networks, recipe).param_groups
    held = [weight for group in groups for weight in group["params"]]
    assert {id(weight) for weight in held} == {id(weight) for weight in networks.parameters() if weight.requires_grad}
    assert len(held) == len({id(weight) for weight in held})
    assert [group["base_rate"] for group in groups] == pytest.approx([0.05, 0.2, 0.2])
    assert {id(weight) for weight in groups[0]["params"]} == {id(weight) for weight in networks.encoder.parameters()}


def test_random_weights_learn_as_fast_as_the_heads() -> None:
    recipe = recipe_with()
    groups = build_optimiser(tiny_networks(recipe), recipe).param_groups
    assert [group["base_rate"] for group in groups] == pytest.approx([0.2, 0.2, 0.2])


@pytest.mark.parametrize(("constant", "expected"), [(False, 0.02), (True, 0.2)])
def test_the_predictors_rate_may_stay_as_it_is(constant: bool, expected: float) -> None:
    recipe = recipe_with(constant_predictor_rate=constant)
    networks = tiny_networks(recipe)
    optimiser = build_optimiser(networks, recipe)
    set_learning_rates(optimiser, 0.1)
    rates = {id(weight): group["lr"] for group in optimiser.param_groups for weight in group["params"]}
    predictor = {rates.pop(id(weight)) for weight in networks.predictor.parameters()}
    assert (list(predictor), list(set(rates.values()))) == ([pytest.approx(expected)], [pytest.approx(0.02)])


@pytest.mark.parametrize("rate_factor", [1.0, 0.3])
def test_a_weight_moves_by_its_rate_times_its_gradient(rate_factor: float) -> None:
    trainee, before = take_step(recipe_with(), rate_factor)
    for name, weight in trainee.networks.named_parameters():
        if weight.grad is None:
            continue
        rate = rate_factor * (0.05 if name.startswith("encoder.") else 0.2)
        assert torch.allclose(weight, before[name] - rate * weight.grad, atol=1e-6), name


@pytest.mark.parametrize("longest", [10.0, 0.0])
def test_a_long_gradient_is_cut_unless_the_recipe_leaves_it(longest: float) -> None:
    trainee, _ = take_step(recipe_with(longest_gradient=longest), 1.0)
    squares = sum(
        float(weight.grad.square().sum()) for weight in trainee.networks.parameters() if weight.grad is not None
    )
    # Six times the global loss of a fresh network pulls harder than that.
    if longest:
        assert squares**0.5 == pytest.approx(10.0, rel=1e-3)
    else:
        assert squares**0.5 > 11


def test_the_momentum_network_follows_after_the_step() -> None:
    trainee, before = take_step(recipe_with(), 1.0)
    networks = trainee.networks
    assert isinstance(networks, Networks)
    for part in ("encoder", "projector"):
        for name, weight in getattr(networks, f"momentum_{part}").named_parameters():
            online = networks.get_parameter(f"{part}.{name}")
            expected = 0.99 * before[f"momentum_{part}.{name}"] + 0.01 * online
            assert torch.allclose(weight, expected, atol=1e-6), name
    moved = [
        n
        for n, weight in networks.momentum_encoder.named_parameters()
        if not torch.equal(weight, before[f"encoder.{n}"])
    ]
    assert moved


def test_at_a_rate_of_nothing_nothing_moves() -> None:
    trainee, before = take_step(recipe_with(), 0.0)
    assert all(torch.allclose(weight, before[name], atol=1e-6) for name, weight in trainee.networks.named_parameters())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_weights_stay_in_full_precision(precision: str) -> None:
    trainee, _ = take_step(recipe_with(precision=precision), 1.0)
    assert {weight.dtype for weight in trainee.networks.parameters()} == {torch.float32}
    assert all(bool(torch.isfinite(weight).all()) for weight in trainee.networks.parameters())
