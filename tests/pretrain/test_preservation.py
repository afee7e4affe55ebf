"""Preservation: nothing at the start, and growing with the angle between then and now."""

from __future__ import annotations

import math

import pytest
import torch

from pretrain.losses.preservation import preservation
from tests.pretrain.test_global_contrast import cosine


def test_preservation_is_the_mean_angle_by_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    now, then = (torch.randn(2, 5, 3, 4, generator=generator) for _ in range(2))
    gaps = [
        1 - cosine(now[b, :, r, c].tolist(), then[b, :, r, c].tolist())
        for b in range(2)
        for r in range(3)
        for c in range(4)
    ]
    assert preservation(now, then).item() == pytest.approx(sum(gaps) / len(gaps), rel=1e-5)


def test_what_is_the_same_costs_nothing_and_the_opposite_two() -> None:
    now = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    assert preservation(now * 2, now).item() == pytest.approx(0, abs=1e-6)
    assert preservation(-now, now).item() == pytest.approx(2, abs=1e-6)


def test_a_turn_costs_one_minus_its_cosine() -> None:
    then = torch.zeros(1, 2, 1, 1)
    then[0, 0] = 1
    for angle in (0.1, 1.0, 2.0):
        now = torch.tensor([math.cos(angle), math.sin(angle)]).view(1, 2, 1, 1)
        assert preservation(now, then).item() == pytest.approx(1 - math.cos(angle), abs=1e-6)


def test_gradient_flows_through_the_present_alone() -> None:
    now, then = (torch.randn(1, 4, 2, 2).requires_grad_() for _ in range(2))
    preservation(now, then).backward()
    assert then.grad is None
    assert now.grad is not None
    assert now.grad.abs().sum() > 0
