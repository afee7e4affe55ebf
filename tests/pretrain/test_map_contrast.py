"""Changed cells beyond the limit, clean ones within it, as a memory bank sees them: against loops, by properties."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pretrain.losses.map_contrast import map_contrast

LIMIT = 2.0


def maps(seed: int = 0, count: int = 3, width: int = 5, side: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Few enough cells that all of them are compared."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.randn(count, width, side, side, generator=generator)
    flawed = clean + 0.5 * torch.randn(count, width, side, side, generator=generator)
    changed = torch.zeros(count, side, side, dtype=torch.bool)
    changed[0, :1, 1:3] = True
    changed[2:, -1, 0] = True
    return clean, flawed, changed


def contrast(
    clean: Tensor,
    flawed: Tensor,
    changed: Tensor,
    temperature: float = 0.2,
    seed: int = 0,
    widths: tuple[int, ...] = (5,),
) -> Tensor:
    return map_contrast(clean, flawed, changed, widths, LIMIT, temperature, torch.Generator().manual_seed(seed))


def distance_by_loops(cell: Tensor, image: int, clean: Tensor, widths: tuple[int, ...]) -> float:
    total, first = 0.0, 0
    for width in widths:
        total += distance_in_tap(cell[first : first + width], image, clean[:, first : first + width])
        first += width
    return total / math.sqrt(len(widths))


def distance_in_tap(cell: Tensor, image: int, clean: Tensor) -> float:
    gaps = []
    for other in range(len(clean)):
        for row in range(clean.shape[2]):
            for column in range(clean.shape[3]):
                if other != image:
                    gaps.append(math.dist(cell.tolist(), clean[other, :, row, column].tolist()))
    return sum(sorted(gaps)[:3]) / 3


def map_contrast_by_loops(
    clean: Tensor, flawed: Tensor, changed: Tensor, temperature: float, widths: tuple[int, ...]
) -> float:
    places = [(b, r, c) for b in range(len(clean)) for r in range(clean.shape[2]) for c in range(clean.shape[3])]
    far = [distance_by_loops(flawed[b, :, r, c], b, clean, widths) for b, r, c in places if changed[b, r, c]]
    near = [distance_by_loops(clean[b, :, r, c], b, clean, widths) for b, r, c in places]
    beyond = [math.log1p(math.exp((LIMIT - d) / temperature)) for d in far]
    within = [math.log1p(math.exp((d - LIMIT) / temperature)) for d in near]
    return sum(beyond) / len(beyond) + sum(within) / len(within)


@pytest.mark.parametrize("widths", [(5,), (2, 3), (1, 1, 3)])
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_map_contrast_is_its_formula(temperature: float, widths: tuple[int, ...]) -> None:
    clean, flawed, changed = maps()
    expected = map_contrast_by_loops(clean, flawed, changed, temperature, widths)
    assert contrast(clean, flawed, changed, temperature, widths=widths).item() == pytest.approx(expected, rel=1e-4)


def test_order_within_the_batch_does_not_count() -> None:
    clean, flawed, changed = maps()
    turned = contrast(clean.flip(0), flawed.flip(0), changed.flip(0))
    assert turned.item() == pytest.approx(contrast(clean, flawed, changed).item(), rel=1e-5)


def test_it_falls_as_changed_cells_move_away() -> None:
    clean, _, changed = maps()
    direction = torch.randn(1, 5, 1, 1, generator=torch.Generator().manual_seed(3))
    losses = [contrast(clean, clean + changed[:, None] * step * direction, changed).item() for step in (0, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 0.5


def test_a_copy_in_its_own_image_is_no_neighbour() -> None:
    # Image 0 is far from the others: near each other alone, its clean cells lie far out.
    clean, flawed, changed = maps()
    before = contrast(clean, flawed, changed)
    clean[0] += 10
    assert contrast(clean, flawed, changed) > before + 10


def test_what_did_not_change_in_the_copy_does_not_count() -> None:
    clean, flawed, changed = maps()
    other = torch.where(changed[:, None], flawed, torch.randn_like(flawed))
    assert torch.equal(contrast(clean, other, changed), contrast(clean, flawed, changed))


def test_clean_cells_draw_near_and_changed_ones_leave() -> None:
    clean, flawed, changed = maps()
    clean.requires_grad_()
    flawed.requires_grad_()
    contrast(clean, flawed, changed).backward()
    assert clean.grad is not None
    assert flawed.grad is not None
    assert float(clean.grad.abs().max()) > 0
    reached = flawed.grad.abs().sum(1) > 0
    assert torch.equal(reached, changed)


def test_the_bank_has_no_gradient() -> None:
    # One cell an image: each is the other's bank, and only its own distance moves it.
    clean, flawed, _ = maps(count=2, side=1)
    clean.requires_grad_()
    contrast(clean, flawed, torch.zeros(2, 1, 1, dtype=torch.bool)).backward()
    bank = clean.detach()
    queries = bank.clone().requires_grad_()
    near = torch.stack(
        [torch.dist(queries[0].flatten(), bank[1].flatten()), torch.dist(queries[1].flatten(), bank[0].flatten())]
    )
    torch.nn.functional.softplus((near - LIMIT) / 0.2).mean().backward()
    assert clean.grad is not None
    assert queries.grad is not None
    assert torch.allclose(clean.grad, queries.grad, atol=1e-5)


def test_without_a_changed_cell_the_clean_ones_still_draw_near() -> None:
    clean, flawed, changed = maps()
    nothing = torch.zeros_like(changed)
    assert 0 < contrast(clean, flawed, nothing) < contrast(clean, flawed, changed)


def test_a_single_image_is_its_own_bank() -> None:
    clean, flawed, changed = maps(count=1)
    assert torch.isfinite(contrast(clean, flawed, changed))


def test_many_cells_are_drawn_from() -> None:
    clean, flawed, _ = maps(count=8, side=32)
    changed = torch.ones(8, 32, 32, dtype=torch.bool)
    first, again, other = (contrast(clean, flawed, changed, seed=seed).item() for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first == pytest.approx(other, rel=0.1)
