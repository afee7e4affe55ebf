"""NT-Xent against SimCLR's formula, written out in loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pretrain.losses.global_contrast import global_contrast, nt_xent, small_contrast


def cosine(one: list[float], other: list[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return dot / math.sqrt(sum(a * a for a in one)) / math.sqrt(sum(b * b for b in other))


def nt_xent_by_loops(first: Tensor, second: Tensor, temperature: float) -> float:
    """SimCLR's eq. 1: rows 2k and 2k + 1 are a pair, and l(i, j) is averaged over both directions of every pair."""
    rows = [row for pair in zip(first.tolist(), second.tolist(), strict=True) for row in pair]
    total = 0.0
    for i, row in enumerate(rows):
        partner = i + 1 if i % 2 == 0 else i - 1
        others = sum(math.exp(cosine(row, rows[k]) / temperature) for k in range(len(rows)) if k != i)
        total -= math.log(math.exp(cosine(row, rows[partner]) / temperature) / others)
    return total / len(rows)


def pairs(count: int = 5, width: int = 7, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(count, width, generator=generator)
    return first, first + 0.5 * torch.randn(count, width, generator=generator)


@pytest.mark.parametrize("temperature", [0.1, 0.2, 1.0])
@pytest.mark.parametrize("count", [2, 5])
def test_nt_xent_is_the_formula_of_simclr(count: int, temperature: float) -> None:
    first, second = pairs(count)
    expected = nt_xent_by_loops(first, second, temperature)
    assert nt_xent(first, second, temperature).item() == pytest.approx(expected, rel=1e-5)


def test_length_of_an_embedding_does_not_count() -> None:
    first, second = pairs()
    lengths = torch.tensor([[0.1], [1], [2], [30], [5]])
    assert nt_xent(first * lengths, second, 0.2).item() == pytest.approx(nt_xent(first, second, 0.2).item(), rel=1e-5)


def test_order_within_the_batch_does_not_count() -> None:
    first, second = pairs()
    turned = torch.tensor([3, 0, 4, 1, 2])
    expected = nt_xent(first, second, 0.2).item()
    assert nt_xent(first[turned], second[turned], 0.2).item() == pytest.approx(expected, rel=1e-5)
    assert nt_xent(second, first, 0.2).item() == pytest.approx(expected, rel=1e-5)


def test_wrong_partners_cost_more() -> None:
    first, second = pairs()
    assert nt_xent(first, second.roll(1, dims=0), 0.2) > nt_xent(first, second, 0.2) + 0.5


def test_identical_views_of_unlike_images_cost_next_to_nothing_at_a_low_temperature() -> None:
    rows = torch.eye(6)
    assert nt_xent(rows, rows, 0.05).item() == pytest.approx(math.log(1 + 10 * math.exp(-20)), abs=1e-6)
    # At temperature 1 even perfect embeddings cost much: the released code's loss was nearly flat.
    assert nt_xent(rows, rows, 1.0).item() == pytest.approx(math.log(1 + 10 * math.exp(-1)), rel=1e-5)


def test_a_collapsed_batch_costs_the_logarithm_of_its_choices() -> None:
    rows = torch.ones(4, 6)
    assert nt_xent(rows, rows, 0.2).item() == pytest.approx(math.log(7), rel=1e-5)


def test_global_contrast_is_the_mean_of_both_crossed_pairs() -> None:
    (j1, p3), (j3, p1) = pairs(seed=1), pairs(seed=2)
    expected = (nt_xent_by_loops(j3, p1, 0.2) + nt_xent_by_loops(j1, p3, 0.2)) / 2
    assert global_contrast(j1, j3, p1, p3, 0.2).item() == pytest.approx(expected, rel=1e-5)


def small_by_loops(j1: Tensor, j3: Tensor, small: Tensor, temperature: float) -> float:
    total = sum(nt_xent_by_loops(j1, p, temperature) + nt_xent_by_loops(j3, p, temperature) for p in small)
    return total / (2 * len(small))


def test_small_contrast_is_the_mean_over_both_neighbours_of_every_small_view() -> None:
    j1, j3 = pairs(seed=1)
    small = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(2))
    got = small_contrast(j1, j3, small, 0.2).item()
    assert got == pytest.approx(small_by_loops(j1, j3, small, 0.2), rel=1e-5)
    assert small_contrast(j3, j1, small.flip(0), 0.2).item() == pytest.approx(got, rel=1e-5)


def test_small_views_carry_the_gradient_and_neighbours_do_not() -> None:
    j1, j3 = (part.requires_grad_() for part in pairs(seed=1))
    small = torch.randn(3, 5, 7).requires_grad_()
    small_contrast(j1, j3, small, 0.2).backward()
    assert j1.grad is None
    assert j3.grad is None
    assert small.grad is not None
    assert bool((small.grad.abs().sum(dim=(1, 2)) > 0).all())


def test_gradient_flows_through_the_predictions_alone() -> None:
    j1, j3, p1, p3 = (part.requires_grad_() for part in (*pairs(seed=1), *pairs(seed=2)))
    global_contrast(j1, j3, p1, p3, 0.2).backward()
    assert j1.grad is None
    assert j3.grad is None
    assert p1.grad is not None
    assert p3.grad is not None
    assert p1.grad.abs().sum() > 0
    assert p3.grad.abs().sum() > 0
