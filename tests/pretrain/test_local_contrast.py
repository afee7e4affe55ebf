"""InfoNCE, the cut into patches and their combinations, each against loops; and where the gradient stops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pretrain.losses.local_contrast import combine_patches, cut_in_patches, info_nce, local_contrast
from tests.pretrain.test_global_contrast import cosine, pairs


def info_nce_by_loops(queries: Tensor, keys: Tensor, temperature: float) -> float:
    total = 0.0
    for i, query in enumerate(queries.tolist()):
        weights = [math.exp(cosine(query, key) / temperature) for key in keys.tolist()]
        total -= math.log(weights[i] / sum(weights))
    return total / len(queries)


@pytest.mark.parametrize("temperature", [0.1, 0.2, 1.0])
def test_info_nce_is_its_formula(temperature: float) -> None:
    queries, keys = pairs(6)
    expected = info_nce_by_loops(queries, keys, temperature)
    assert info_nce(queries, keys, temperature).item() == pytest.approx(expected, rel=1e-5)


def test_info_nce_knows_no_order_but_tells_queries_from_keys() -> None:
    queries, keys = pairs(6)
    turned = torch.tensor([5, 2, 0, 1, 4, 3])
    expected = info_nce(queries, keys, 0.2).item()
    assert info_nce(queries[turned], keys[turned], 0.2).item() == pytest.approx(expected, rel=1e-5)
    # The query is among its own negatives in NT-Xent, not here.
    assert abs(info_nce(keys, queries, 0.2).item() - expected) > 1e-4


def test_local_contrast_averages_both_directions_over_all_combinations() -> None:
    p1, p2 = pairs(4, seed=1)
    c1, c2 = (torch.randn(6, 4, 7, generator=torch.Generator().manual_seed(seed)) for seed in (3, 4))
    total = sum(info_nce_by_loops(p2, c1[k], 0.2) + info_nce_by_loops(p1, c2[k], 0.2) for k in range(6))
    # The paper's 1/12 for its six combinations.
    assert local_contrast(p1, p2, c1, c2, 0.2).item() == pytest.approx(total / 12, rel=1e-5)


def local_by_loops(p1: Tensor, p2: Tensor, c1: Tensor, c2: Tensor, temperature: float) -> float:
    directions = [(p2, combined) for combined in c1] + [(p1, combined) for combined in c2]
    return sum(info_nce_by_loops(p, c, temperature) for p, c in directions) / len(directions)


def test_neither_the_order_of_images_nor_that_of_combinations_counts() -> None:
    p1, p2 = pairs(4, seed=1)
    c1, c2 = (torch.randn(6, 4, 7, generator=torch.Generator().manual_seed(seed)) for seed in (3, 4))
    expected = local_contrast(p1, p2, c1, c2, 0.2).item()
    turned = torch.tensor([2, 0, 3, 1])
    images = local_contrast(p1[turned], p2[turned], c1[:, turned], c2[:, turned], 0.2).item()
    combinations = local_contrast(p1, p2, c1.flip(0), c2.roll(2, dims=0), 0.2).item()
    assert images == pytest.approx(expected, rel=1e-5)
    assert combinations == pytest.approx(expected, rel=1e-5)
    assert local_contrast(p2, p1, c2, c1, 0.2).item() == pytest.approx(expected, rel=1e-5)


def test_combinations_that_say_what_the_whole_view_says_cost_next_to_nothing() -> None:
    whole = torch.eye(6)
    same = whole.expand(4, 6, 6)
    assert local_contrast(whole, whole, same, same, 0.05).item() == pytest.approx(0, abs=1e-6)
    assert local_contrast(whole, whole, same.roll(1, dims=1), same, 0.05).item() > 5


def test_gradient_flows_through_the_predictions_alone() -> None:
    p1, p2 = (part.requires_grad_() for part in pairs(4, seed=1))
    c1, c2 = (torch.randn(6, 4, 7).requires_grad_() for _ in range(2))
    local_contrast(p1, p2, c1, c2, 0.2).backward()
    assert c1.grad is None
    assert c2.grad is None
    assert p1.grad is not None
    assert p2.grad is not None
    assert p1.grad.abs().sum() > 0
    assert p2.grad.abs().sum() > 0


@pytest.mark.parametrize("grid", [2, 3, 4])
def test_patches_are_cut_in_reading_order(grid: int) -> None:
    side = 4
    views = torch.zeros(2, 1, grid * side, grid * side)
    for image in range(2):
        for y in range(grid * side):
            for x in range(grid * side):
                views[image, 0, y, x] = 100 * image + (y // side) * grid + x // side
    patches = cut_in_patches(views, grid)
    assert patches.shape == (2 * grid * grid, 1, side, side)
    for number in range(grid * grid):
        for image in range(2):
            assert bool((patches[2 * number + image] == 100 * image + number).all())


@pytest.mark.parametrize(("patch_count", "combined", "expected_count"), [(4, 2, 6), (4, 1, 4), (4, 4, 1), (9, 3, 84)])
def test_combinations_are_the_means_of_patches_of_one_view(
    patch_count: int, combined: int, expected_count: int
) -> None:
    # Patch n of view b is embedded as (2^n, b): sums tell which patches they are of.
    count = 3
    pooled = torch.tensor([[2.0**patch, float(view)] for patch in range(patch_count) for view in range(count)])
    combinations = combine_patches(pooled, patch_count, combined)
    assert combinations.shape == (expected_count, count, 2)
    sums = {round(float(combinations[k, 0, 0]) * combined) for k in range(expected_count)}
    assert sums == {value for value in range(2**patch_count) if bin(value).count("1") == combined}
    for view in range(count):
        assert combinations[:, view, 1].tolist() == [float(view)] * expected_count
