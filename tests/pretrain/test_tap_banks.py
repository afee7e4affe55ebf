"""Banks of several taps as one judge: in units of their spreads, the finest as much as all others together."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pretrain.evaluate.nearest_normal import NearestNormal
from pretrain.evaluate.tap_banks import TapBanks

ORIGIN = torch.zeros(1, 2)


def cells_at(distance: float, side: int) -> Tensor:
    """[1, 2, side, side]: every cell lies so far from the origin."""
    return torch.tensor([distance, 0.0]).view(1, 2, 1, 1).expand(1, 2, side, side)


@pytest.mark.parametrize(
    ("distances", "spreads", "expected"),
    [
        ([3.0], [1.5], 2.0),
        ([3.0, 8.0], [1.5, 2.0], (2 + 4) / 2),
        ([3.0, 8.0, 1.0], [1.5, 2.0, 0.5], (2 + (4 + 2) / 2) / 2),
    ],
)
@torch.no_grad()
def test_the_finest_tap_counts_as_much_as_all_others(
    distances: list[float], spreads: list[float], expected: float
) -> None:
    banks = TapBanks([NearestNormal(ORIGIN, 1) for _ in distances], torch.tensor(spreads))
    found = banks([cells_at(distance, 8 >> number) for number, distance in enumerate(distances)])
    assert found.shape == (1, 8, 8)
    assert torch.allclose(found, torch.full((1, 8, 8), expected))
