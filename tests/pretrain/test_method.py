"""One step: every term reaches the networks that the figure says, and no other."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pretrain.losses.flaw_contrast import flaw_contrast
from pretrain.method import combine, predict, step_losses
from tests.pretrain.tiny import gradient_size, one_step, only, some_images, tiny_networks, tiny_recipe

TERMS = ("global", "local", "dense", "flaw")
EVERYTHING: dict[str, Any] = {f"{name}_weight": 1.0 for name in (*TERMS, "small", "preserve")}


def test_local_term_reaches_the_online_network() -> None:
    # The released code detaches p: what it trains is NNCLR, and its local network is dead compute.
    recipe = only("local")
    networks = tiny_networks(recipe)
    one_step(networks, recipe)
    for part in (networks.encoder, networks.projector, networks.predictor):
        assert gradient_size(part) > 0
    assert all(weight.grad is not None for weight in networks.predictor.parameters())


def test_global_term_reaches_the_online_network() -> None:
    recipe = only("global")
    networks = tiny_networks(recipe)
    one_step(networks, recipe)
    for part in (networks.encoder, networks.projector, networks.predictor):
        assert gradient_size(part) > 0
    assert gradient_size(networks.dense_head) == 0


@pytest.mark.parametrize("term", ["dense", "flaw"])
def test_terms_of_places_reach_encoder_and_dense_head_alone(term: str) -> None:
    recipe = only(term)
    networks = tiny_networks(recipe)
    one_step(networks, recipe)
    assert gradient_size(networks.encoder) > 0
    assert gradient_size(networks.dense_head) > 0
    assert gradient_size(networks.projector) == gradient_size(networks.predictor) == 0


def test_no_gradient_ever_reaches_momentum_start_or_queue() -> None:
    recipe = tiny_recipe(**EVERYTHING)
    networks = tiny_networks(recipe, warm=True)
    losses = one_step(networks, recipe)
    assert set(losses.terms) == {*TERMS, "small", "preserve"}
    assert networks.start_encoder is not None
    for part in (networks.momentum_encoder, networks.momentum_projector, networks.start_encoder):
        assert not any(weight.requires_grad for weight in part.parameters())
        assert all(weight.grad is None for weight in part.parameters())
    assert not networks.queue.entries.requires_grad
    assert not networks.target_embeddings(some_images(), torch.zeros(8, 32)).requires_grad


def test_combinations_carry_no_gradient_and_predictions_do() -> None:
    recipe = tiny_recipe()
    networks = tiny_networks(recipe)
    combinations = combine(networks, some_images(), recipe.method)
    assert combinations.shape == (6, 8, 32)
    assert not combinations.requires_grad
    assert predict(networks, some_images()).prediction.requires_grad


def test_the_total_is_the_weighted_sum_of_the_terms() -> None:
    weights = {"global": 6.0, "small": 1.5, "local": 0.5, "dense": 2.0, "flaw": 0.25, "preserve": 3.0}
    named: dict[str, Any] = {f"{name}_weight": weight for name, weight in weights.items()}
    recipe = tiny_recipe(**named)
    losses = one_step(tiny_networks(recipe, warm=True), recipe)
    assert losses.terms.keys() == weights.keys()
    expected = sum(weights[name] * term.item() for name, term in losses.terms.items())
    assert losses.total.item() == pytest.approx(expected, rel=1e-5)
    assert all(term.item() > 0 for name, term in losses.terms.items() if name != "preserve")


@pytest.mark.parametrize("left_out", TERMS)
def test_a_weight_of_nothing_leaves_the_term_out(left_out: str) -> None:
    weights: dict[str, Any] = {f"{name}_weight": float(name != left_out) for name in TERMS}
    recipe = tiny_recipe(**weights)
    networks = tiny_networks(recipe)
    assert set(one_step(networks, recipe).terms) == set(TERMS) - {left_out}
    assert networks.start_encoder is None


def test_a_step_follows_from_its_generator_alone() -> None:
    recipe = tiny_recipe(dense_weight=1.0, flaw_weight=1.0)
    first, again, other = (one_step(tiny_networks(recipe), recipe, seed).total.item() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_neighbours_come_from_the_queue_as_it_was_before_the_batch() -> None:
    recipe = only("global")
    networks = tiny_networks(recipe)
    before = networks.queue.entries.clone()
    one_step(networks, recipe)
    assert int(networks.queue.position) == 8
    assert torch.equal(networks.queue.entries[8:], before[8:])
    assert not torch.equal(networks.queue.entries[:8], before[:8])


def test_preservation_is_nothing_at_the_start_of_a_warm_run() -> None:
    recipe = tiny_recipe(encoder={"freeze_batch_norm": True}, preserve_weight=1.0)
    losses = one_step(tiny_networks(recipe, warm=True), recipe)
    assert losses.terms["preserve"].item() == pytest.approx(0, abs=1e-5)
    # Random weights are nothing to hold on to: there the term is left out.
    assert "preserve" not in one_step(tiny_networks(recipe), recipe).terms


def test_descending_lowers_the_loss() -> None:
    recipe = tiny_recipe(dense_weight=1.0, flaw_weight=1.0)
    networks = tiny_networks(recipe)
    optimiser = torch.optim.AdamW(networks.parameters(), lr=2e-3)
    totals = []
    for _ in range(12):
        losses = step_losses(networks, some_images(), recipe, torch.Generator().manual_seed(0))
        totals.append(losses.total.item())
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
    assert totals[-1] < totals[0] - 1


def test_the_flaw_term_teaches_the_encoder_to_tell_flaws() -> None:
    recipe = only("flaw")
    networks = tiny_networks(recipe)
    images = some_images()
    marked = images.clone()
    marked[:, :, 24:40, 24:40] = 1 - marked[:, :, 24:40, 24:40]
    changed = torch.zeros(8, 8, 8, dtype=torch.bool)
    changed[:, 3:5, 3:5] = True

    def gap() -> float:
        clean, flawed = (networks.dense_head(networks.encoder.patch_embeddings(part)) for part in (images, marked))
        return flaw_contrast(clean, flawed, changed, 0.2, torch.Generator()).item()

    networks.eval()
    before = gap()
    networks.train()
    optimiser = torch.optim.AdamW(networks.parameters(), lr=3e-3)
    for seed in range(15):
        optimiser.zero_grad()
        step_losses(networks, images, recipe, torch.Generator().manual_seed(seed)).total.backward()
        optimiser.step()
    networks.eval()
    assert gap() < before


def test_spread_tells_collapse_from_health() -> None:
    recipe = only("global")
    networks = tiny_networks(recipe)
    assert one_step(networks, recipe).spread > 0.1
    last = networks.predictor[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.zeros_(last.weight)
    assert one_step(networks, recipe).spread == pytest.approx(0, abs=1e-6)
