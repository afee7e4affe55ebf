"""The momentum network, the queue and the statistics of BatchNorm."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pretrain.networks.ema import follow, momentum_copy
from pretrain.networks.neighbour_queue import NeighbourQueue
from pretrain.networks.networks import Networks, running_statistics_kept
from tests.pretrain.tiny import one_step, some_images, tiny_networks, tiny_recipe


def statistics_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items() if "running_" in name}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    assert one.keys() == other.keys()
    assert one
    return all(torch.equal(one[name], other[name]) for name in one)


def test_the_momentum_network_starts_as_a_copy() -> None:
    # In the released code it starts from other random weights.
    networks = tiny_networks(tiny_recipe())
    assert same(networks.encoder.state_dict(), networks.momentum_encoder.state_dict())
    assert same(networks.projector.state_dict(), networks.momentum_projector.state_dict())
    pairs = zip(networks.encoder.parameters(), networks.momentum_encoder.parameters(), strict=True)
    assert all(mine.data_ptr() != its.data_ptr() for mine, its in pairs)


def test_the_momentum_network_follows_by_the_formula() -> None:
    online = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    momentum = momentum_copy(online)
    before = [weight.clone() for weight in momentum.parameters()]
    with torch.no_grad():
        for weight in online.parameters():
            weight.add_(torch.randn_like(weight))
    online(torch.randn(8, 3))
    buffers = statistics_of(momentum)
    follow(momentum, online, 0.9)
    for old, new, target in zip(before, momentum.parameters(), online.parameters(), strict=True):
        for a, b, c in zip(old.flatten().tolist(), new.flatten().tolist(), target.flatten().tolist(), strict=True):
            assert b == pytest.approx(0.9 * a + 0.1 * c, abs=1e-6)
    assert same(statistics_of(momentum), buffers)
    assert not any(weight.requires_grad for weight in momentum.parameters())


def test_a_step_of_ema_moves_the_whole_momentum_network() -> None:
    networks = tiny_networks(tiny_recipe(ema_momentum=0.5))
    with torch.no_grad():
        for weight in (*networks.encoder.parameters(), *networks.projector.parameters()):
            weight.add_(1)
    before = [weight.clone() for weight in networks.momentum_encoder.parameters()]
    networks.update_momentum_network()
    after = list(networks.momentum_encoder.parameters())
    assert all(torch.allclose(new, old + 0.5, atol=1e-5) for old, new in zip(before, after, strict=True))
    heads = zip(networks.momentum_projector.parameters(), networks.projector.parameters(), strict=True)
    assert all(torch.allclose(momentum, online - 0.5, atol=1e-5) for momentum, online in heads)


def test_patches_leave_the_running_statistics_alone_and_whole_views_move_them() -> None:
    recipe = tiny_recipe()
    networks = tiny_networks(recipe)
    encoder, projector = statistics_of(networks.encoder), statistics_of(networks.projector)
    networks.pooled_patches(some_images(16)[..., :32, :32])
    networks.project_combinations(torch.randn(6, 8, networks.encoder.pooled_width))
    assert same(statistics_of(networks.encoder), encoder)
    assert same(statistics_of(networks.projector), projector)
    networks.projector(networks.encoder.pooled(some_images()))
    assert not same(statistics_of(networks.encoder), encoder)
    assert not same(statistics_of(networks.projector), projector)


def test_patches_move_the_running_statistics_where_the_recipe_lets_them() -> None:
    # The arm of the ablation that shows what the isolation is worth.
    networks = tiny_networks(tiny_recipe(isolate_patch_statistics=False))
    encoder = statistics_of(networks.encoder)
    networks.pooled_patches(some_images(16)[..., :32, :32])
    assert not same(statistics_of(networks.encoder), encoder)


def test_isolated_patches_are_normalised_by_their_own_batch() -> None:
    isolated, mixed = (tiny_networks(tiny_recipe(isolate_patch_statistics=kept)) for kept in (True, False))
    patches = some_images(16)[..., :32, :32]
    assert torch.equal(isolated.pooled_patches(patches), mixed.pooled_patches(patches))


def test_statistics_move_again_after_an_error() -> None:
    norm = nn.BatchNorm1d(3)
    with pytest.raises(RuntimeError, match="on purpose"), running_statistics_kept(norm):
        assert norm.momentum == 0
        raise RuntimeError("on purpose")
    assert norm.momentum == 0.1


def test_frozen_statistics_stay_in_training() -> None:
    recipe = tiny_recipe(encoder={"freeze_batch_norm": True}, dense_weight=1.0, flaw_weight=1.0)
    networks = tiny_networks(recipe, warm=True)
    before = statistics_of(networks.encoder), statistics_of(networks.momentum_encoder)
    one_step(networks, recipe)
    assert same(statistics_of(networks.encoder), before[0])
    assert same(statistics_of(networks.momentum_encoder), before[1])


def test_the_start_encoder_stays_as_it_was() -> None:
    recipe = tiny_recipe(preserve_weight=1.0)
    networks = tiny_networks(recipe, warm=True)
    assert networks.start_encoder is not None
    before = {name: value.clone() for name, value in networks.start_encoder.state_dict().items()}
    one_step(networks, recipe)
    networks.update_momentum_network()
    assert same(networks.start_encoder.state_dict(), before)
    assert not networks.train().start_encoder.training  # type: ignore[union-attr]


def queue_of(length: int, width: int = 4) -> NeighbourQueue:
    return NeighbourQueue(length, width, torch.Generator().manual_seed(0))


def unit_rows(count: int, seed: int, width: int = 4) -> torch.Tensor:
    rows = torch.randn(count, width, generator=torch.Generator().manual_seed(seed))
    unit: torch.Tensor = rows / rows.norm(dim=1, keepdim=True)
    return unit


def test_the_queue_forgets_the_oldest_first() -> None:
    queue = queue_of(7)
    pushed = [unit_rows(3, seed) for seed in range(5)]
    for rows in pushed:
        queue.push(rows * 9)
    newest = torch.cat(pushed)[-7:]
    held = {tuple(round(value, 5) for value in row) for row in queue.entries.tolist()}
    assert held == {tuple(round(value, 5) for value in row) for row in newest.tolist()}
    # 15 rows were pushed: the next goes where the oldest of these seven lies.
    assert int(queue.position) == 15 % 7
    assert torch.allclose(queue.entries[int(queue.position)], newest[0], atol=1e-6)


def test_a_batch_larger_than_the_queue_leaves_its_last_rows() -> None:
    queue = queue_of(16)
    rows = unit_rows(40, 1)
    queue.push(rows)
    assert torch.allclose(queue.entries, rows[-16:], atol=1e-6)


def test_the_nearest_entry_is_the_most_similar_one() -> None:
    queue = queue_of(16)
    asked = unit_rows(5, 3) * 4
    found = queue.nearest(asked)
    for row, answer in zip(asked.tolist(), found, strict=True):
        similarities = [sum(a * b for a, b in zip(row, entry, strict=True)) for entry in queue.entries.tolist()]
        assert torch.equal(answer, queue.entries[similarities.index(max(similarities))])
    assert torch.allclose(found.norm(dim=1), torch.ones(5), atol=1e-6)


def test_queue_and_momentum_network_are_part_of_the_state() -> None:
    recipe = tiny_recipe(preserve_weight=1.0)
    networks = tiny_networks(recipe, warm=True)
    one_step(networks, recipe)
    networks.update_momentum_network()
    state = networks.state_dict()
    parts = {name.split(".")[0] for name in state}
    assert {"queue", "momentum_encoder", "momentum_projector", "start_encoder"} <= parts
    assert {"queue.entries", "queue.position"} <= state.keys()
    other: Networks = tiny_networks(recipe, seed=1, warm=True)
    other.load_state_dict(state)
    assert torch.equal(other.queue.entries, networks.queue.entries)
    assert int(other.queue.position) == 8
