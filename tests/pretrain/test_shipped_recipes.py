"""The recipes of the paper: what tells them apart, and what their steps therefore do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from pretrain.method import StepLosses, step_losses
from pretrain.networks.networks import Networks
from pretrain.recipe import Recipe, load_recipe
from tests.pretrain.tiny import some_images, tiny_networks


def small(name: str) -> Recipe:
    """A shipped recipe with narrow heads and a short queue, so that a test can take its step."""
    values = load_recipe(name).model_dump()
    values["method"] |= {"projection_width": 32, "prediction_hidden_width": 16, "queue_length": 256, "dense_width": 16}
    return Recipe.model_validate(values)


def step(recipe: Recipe) -> tuple[Networks, StepLosses]:
    networks = tiny_networks(recipe)
    images = torch.nn.functional.avg_pool2d(some_images(4), 64 // recipe.preprocessing.input_px)
    return networks, step_losses(networks, images, recipe, torch.Generator().manual_seed(0))


def gradients(loss: Tensor, networks: Networks) -> dict[str, Tensor]:
    """The gradient of `loss` in every weight that it reaches."""
    weights = {name: weight for name, weight in networks.named_parameters() if weight.requires_grad}
    found = torch.autograd.grad(loss, list(weights.values()), retain_graph=True, allow_unused=True)
    return {name: value for name, value in zip(weights, found, strict=True) if value is not None}


def test_in_the_papers_step_the_local_term_moves_the_online_network() -> None:
    networks, losses = step(small("paper"))
    local = gradients(losses.terms["local"], networks)
    assert {name.partition(".")[0] for name in local} == {"encoder", "projector", "predictor"}
    assert float(local["encoder.backbone.conv1.weight"].abs().sum()) > 0
    total, whole = gradients(losses.total, networks), gradients(6 * losses.terms["global"], networks)
    for name, value in total.items():
        rounding = 1e-6 + 1e-3 * float(value.abs().max())
        assert torch.allclose(value, whole[name] + local.get(name, torch.zeros(())), atol=rounding), name


def test_in_the_released_codes_step_the_local_term_moves_nothing() -> None:
    # The test that would have caught it: a term of the loss that no weight hears of.
    networks, losses = step(small("released"))
    assert losses.terms["local"].item() > 1
    assert not losses.terms["local"].requires_grad
    total, whole = gradients(losses.total, networks), gradients(6 * losses.terms["global"], networks)
    assert total.keys() == whole.keys()
    for name, value in total.items():
        assert torch.allclose(value, whole[name], atol=1e-6 + 1e-3 * float(value.abs().max())), name


def test_the_released_codes_momentum_network_starts_from_other_weights() -> None:
    for name, same in (("paper", True), ("released", False)):
        networks = tiny_networks(small(name))
        assert networks.momentum_encoder is not None
        assert networks.momentum_projector is not None
        pairs = [
            *zip(networks.encoder.parameters(), networks.momentum_encoder.parameters(), strict=True),
            *zip(networks.projector.parameters(), networks.momentum_projector.parameters(), strict=True),
        ]
        matrices = [torch.equal(mine, its) for mine, its in pairs if mine.dim() > 1]
        assert set(matrices) == {same}


def test_the_released_codes_patches_shift_the_statistics_and_the_papers_do_not() -> None:
    patches = some_images(8)[..., :16, :16]
    for name, kept in (("paper", True), ("released", False)):
        networks = tiny_networks(small(name))
        norm = networks.encoder.backbone.bn1
        before = norm.running_mean.clone()  # type: ignore[union-attr,operator]
        networks.pooled_patches(patches)
        assert torch.equal(norm.running_mean, before) is kept  # type: ignore[union-attr,arg-type]


def test_paper_and_released_code_differ_in_what_the_documentation_says_and_no_more() -> None:
    paper, released = (load_recipe(name).model_dump() for name in ("paper", "released"))
    methods = paper.pop("method"), released.pop("method")
    assert paper | {"name": ""} == released | {"name": ""}
    differing = {key: (methods[0][key], methods[1][key]) for key in methods[0] if methods[0][key] != methods[1][key]}
    assert differing == {
        "local_gradient": (True, False),
        "momentum_starts_as_copy": (True, False),
        "isolate_patch_statistics": (True, False),
        "temperature": (0.2, 1.0),
    }


ARMS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "NNCLR with momentum": ({"networks": 2, "local_weight": 0}, {"global"}),
    "with the local term": ({"isolate_patch_statistics": False}, {"global", "local"}),
    "patch statistics isolated": ({}, {"global", "local"}),
    "with the dense term": ({"dense_weight": 1.0}, {"global", "local", "dense"}),
}


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_of_the_ablation_is_the_paper_with_other_values(arm: str) -> None:
    values, terms = small("paper").model_dump(), ARMS[arm][1]
    values["method"] |= ARMS[arm][0]
    networks, losses = step(Recipe.model_validate(values))
    assert losses.terms.keys() == terms
    reached = gradients(losses.total, networks)
    assert ("dense_head.2.weight" in reached) is ("dense" in terms)
    assert all(losses.terms[term].requires_grad for term in terms)


@pytest.mark.parametrize("warm", [True, False])
def test_a_line_holds_on_to_start_weights_where_there_are_any(warm: bool) -> None:
    recipe = small("line")
    networks = tiny_networks(recipe, warm=warm)
    assert (networks.start_encoder is not None) is warm
    norms = [part for part in networks.encoder.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert norms
    assert {norm.training for norm in norms} == {not warm}
