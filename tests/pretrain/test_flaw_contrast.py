"""Changed cells move away, unchanged ones stay: against loops, and by what the loss asks for."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pretrain.losses.flaw_contrast import changed_cells, flaw_contrast, grow
from tests.pretrain.test_global_contrast import cosine


def maps(seed: int = 0, count: int = 2, width: int = 5, side: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    """Clean cells, flawed cells that differ a little everywhere, and one changed spot in each image."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.randn(count, width, side, side, generator=generator)
    flawed = clean + 0.3 * torch.randn(count, width, side, side, generator=generator)
    changed = torch.zeros(count, side, side, dtype=torch.bool)
    changed[0, 1, 1] = changed[0, 1, 2] = changed[1, 4, 3] = True
    return clean, flawed, changed


def touched(changed: Tensor, image: int, row: int, column: int) -> bool:
    """Is the cell, or one of its eight neighbours, changed?"""
    side = changed.shape[-1]
    around = [(r, c) for r in range(row - 1, row + 2) for c in range(column - 1, column + 2)]
    return any(bool(changed[image, r, c]) for r, c in around if 0 <= r < side and 0 <= c < side)


def flaw_by_loops(clean: Tensor, flawed: Tensor, changed: Tensor, temperature: float) -> float:
    count, _, side, _ = clean.shape
    places = [(b, r, c) for b in range(count) for r in range(side) for c in range(side)]
    normals = [clean[b, :, r, c].tolist() for b, r, c in places]
    stay, away = [], []
    for b, r, c in places:
        cell = flawed[b, :, r, c].tolist()
        if not touched(changed, b, r, c):
            stay.append(1 - cosine(cell, clean[b, :, r, c].tolist()))
        if changed[b, r, c]:
            mean = sum(math.exp(cosine(cell, normal) / temperature) for normal in normals) / len(normals)
            away.append(math.log(1 + mean))
    return sum(stay) / len(stay) + sum(away) / len(away)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_flaw_contrast_is_its_formula(temperature: float) -> None:
    clean, flawed, changed = maps()
    got = flaw_contrast(clean, flawed, changed, temperature, torch.Generator().manual_seed(0))
    assert got.item() == pytest.approx(flaw_by_loops(clean, flawed, changed, temperature), rel=1e-4)


def test_order_within_the_batch_does_not_count() -> None:
    clean, flawed, changed = maps()
    got = flaw_contrast(clean, flawed, changed, 0.2, torch.Generator()).item()
    turned = flaw_contrast(clean.flip(0), flawed.flip(0), changed.flip(0), 0.2, torch.Generator()).item()
    assert turned == pytest.approx(got, rel=1e-5)


def test_unchanged_cells_that_stayed_cost_nothing() -> None:
    clean, _, changed = maps()
    nothing = torch.zeros_like(changed)
    assert flaw_contrast(clean, clean * 3, nothing, 0.2, torch.Generator()).item() == pytest.approx(0, abs=1e-6)


def test_only_unchanged_cells_must_stay() -> None:
    clean, _, changed = maps()
    moved = torch.where(changed[:, None], -clean, clean)
    expected = flaw_contrast(clean, moved, changed, 0.2, torch.Generator())
    drifted = torch.where(grow(changed)[:, None] & ~changed[:, None], clean.roll(1, dims=1), moved)
    # A neighbour of a flaw sees it through its receptive field: it may move freely.
    assert flaw_contrast(clean, drifted, changed, 0.2, torch.Generator()).item() == pytest.approx(expected.item())
    strayed = torch.where(grow(changed)[:, None], moved, clean.roll(1, dims=1))
    assert flaw_contrast(clean, strayed, changed, 0.2, torch.Generator()) > expected + 0.5


def test_moving_changed_cells_away_lowers_the_loss() -> None:
    direction = torch.randn(5, generator=torch.Generator().manual_seed(3))
    clean = direction.view(1, 5, 1, 1).expand(2, 5, 6, 6) + 0.1 * maps()[0]
    changed = maps()[2]
    losses = []
    for share in (0.0, 0.5, 1.0, 1.5, 2.0):
        flawed = torch.where(changed[:, None], clean - share * direction.view(1, 5, 1, 1), clean)
        losses.append(flaw_contrast(clean, flawed, changed, 0.2, torch.Generator()).item())
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > losses[-1] + 1


def test_many_changed_cells_are_drawn_from() -> None:
    clean, flawed, _ = maps(count=8, side=8)
    changed = torch.zeros(8, 8, 8, dtype=torch.bool)
    changed[:, :, :5] = True
    first, again, other = (
        flaw_contrast(clean, flawed, changed, 0.2, torch.Generator().manual_seed(seed)).item() for seed in (1, 1, 2)
    )
    assert first == again
    # 320 cells changed: 256 of them are compared, not always the same.
    assert first != other
    assert first == pytest.approx(flaw_by_loops(clean, flawed, changed, 0.2), rel=0.05)


def test_gradient_flows_through_the_flawed_copy_alone() -> None:
    clean, flawed, changed = maps()
    clean.requires_grad_()
    flawed.requires_grad_()
    flaw_contrast(clean, flawed, changed, 0.2, torch.Generator()).backward()
    assert clean.grad is None
    assert flawed.grad is not None
    assert bool((flawed.grad.abs().sum(1) > 0)[changed].all())
    neighbours = grow(changed) & ~changed
    assert flawed.grad.abs().sum(1)[neighbours].sum() == 0


def test_a_cell_counts_as_changed_from_a_tenth_of_its_pixels() -> None:
    pixels = torch.zeros(1, 40, 40, dtype=torch.bool)
    pixels[0, 0, :9] = True  # 9 of the 100 pixels of cell (0, 0)
    pixels[0, 10, 10:20] = True  # 10 of cell (1, 1)
    pixels[0, 30:, 30:] = True  # all of cell (3, 3)
    cells = changed_cells(pixels, 4, 4)
    assert cells.nonzero().tolist() == [[0, 1, 1], [0, 3, 3]]
    assert int(grow(cells).sum()) == 9 + 4 - 1
