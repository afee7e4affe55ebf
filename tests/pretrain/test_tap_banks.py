"""Banks of several taps as one judge: in units of their spreads, by their weights, and beyond what is usual."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pretrain.evaluate.memory_bank import fit_banks
from pretrain.evaluate.nearest_normal import NearestNormal, view_level
from pretrain.evaluate.tap_banks import TapBanks, tap_weights

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
def test_as_a_rule_the_finest_tap_counts_as_much_as_all_others(
    distances: list[float], spreads: list[float], expected: float
) -> None:
    banks = TapBanks([NearestNormal(ORIGIN, 1) for _ in distances], torch.tensor(spreads))
    found = banks([cells_at(distance, 8 >> number) for number, distance in enumerate(distances)])
    assert found.shape == (1, 8, 8)
    assert torch.allclose(found, torch.full((1, 8, 8), expected))


@torch.no_grad()
def test_other_weights_count_the_same_maps_otherwise() -> None:
    banks = TapBanks([NearestNormal(ORIGIN, 1) for _ in range(3)], torch.ones(3))
    cells = [cells_at(distance, 8 >> number) for number, distance in enumerate((1.0, 2.0, 4.0))]
    banks.weigh(tap_weights(3, 0.75), banks.tap_maps(cells))
    assert torch.allclose(banks(cells), torch.full((1, 8, 8), 0.75 * 1 + 0.125 * 2 + 0.125 * 4))


@pytest.mark.parametrize(("count", "share"), [(1, 0.5), (2, 0.75), (3, 1 / 3)])
def test_weights_add_up_to_one_and_the_first_is_the_finest_share(count: int, share: float) -> None:
    weights = tap_weights(count, share)
    assert float(weights.sum()) == pytest.approx(1)
    assert float(weights[0]) == pytest.approx(share if count > 1 else 1)


@pytest.mark.parametrize("count", [12, 80])
@torch.no_grad()
def test_nearly_all_normal_views_keep_below_the_usual_level(count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    # Views of different liveliness, as by a lamp that flickers.
    maps = (
        torch.randn(2 * count, 4, 6, 6, generator=generator) * torch.linspace(0.5, 1.5, 2 * count)[:, None, None, None]
    )
    own, others = maps[::2], maps[1::2]
    banks = fit_banks([own], 64, 1, generator).banks
    is_below = view_level(banks([others])) <= banks.usual_level
    assert float(is_below.float().mean()) > 0.7
    assert float(view_level(banks([3 * others])).median()) > float(banks.usual_level)
