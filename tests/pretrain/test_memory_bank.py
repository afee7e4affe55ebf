"""The memory bank: spread over all that is normal, and knowing how far normal cells of other images lie from it."""

from __future__ import annotations

import pytest
import torch

from pretrain.evaluate.coreset import Cells, cells_of, draw_coreset
from pretrain.evaluate.memory_bank import fit_banks, usual_distances
from pretrain.evaluate.nearest_normal import NearestNormal, smooth_map


def fresh(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def alone(rows: torch.Tensor) -> Cells:
    """Every cell of an image of its own."""
    return Cells(rows, torch.arange(len(rows)))


def fit_bank(maps: torch.Tensor, size: int, neighbours: int, generator: torch.Generator) -> NearestNormal:
    """That of a single tap."""
    (nearest,) = fit_banks([maps], size, neighbours, generator).banks.banks
    assert isinstance(nearest, NearestNormal)
    return nearest


def test_cells_know_their_image() -> None:
    maps = torch.randn(3, 4, 5, 6, generator=fresh())
    cells = cells_of(maps)
    assert cells.rows.shape == (90, 4)
    assert torch.equal(cells.rows[31], maps[1, :, 0, 1])
    assert cells.owners.tolist() == [0] * 30 + [1] * 30 + [2] * 30


def test_a_coreset_leaves_no_row_farther_away_than_its_own_entries_are_apart() -> None:
    # Greedy k-centres: when it stops, what it has not covered lies nearer than any two entries to each other. Rows no
    # wider than the projection keep their distances only on the whole, hence the tenth.
    rows = torch.randn(1000, 48, generator=fresh())
    entries = draw_coreset(alone(rows), 100, fresh()).rows
    apart = torch.cdist(entries, entries).fill_diagonal_(torch.inf).min()
    assert float(torch.cdist(rows, entries).amin(1).max()) < 2 * float(apart)


def test_a_coreset_holds_the_rare_rows_that_a_draw_would_miss() -> None:
    many, few = torch.randn(2000, 3, generator=fresh()), 30 + torch.randn(4, 3, generator=fresh())
    entries = draw_coreset(alone(torch.cat([many, few])), 32, fresh()).rows
    assert int((entries.norm(dim=1) > 20).sum()) >= 1


def test_entries_are_rows_with_their_owners_each_once() -> None:
    cells = cells_of(torch.randn(3, 4, 5, 6, generator=fresh()).half())
    bank = draw_coreset(cells, 50, fresh())
    assert bank.rows.dtype == torch.float32
    known = {tuple(row): owner for row, owner in zip(cells.rows.float().tolist(), cells.owners.tolist(), strict=True)}
    assert [known[tuple(row)] for row in bank.rows.tolist()] == bank.owners.tolist()
    assert len({tuple(row) for row in bank.rows.tolist()}) == 50


def test_fewer_rows_than_asked_for_are_all_kept() -> None:
    rows = torch.randn(10, 4, generator=fresh())
    assert {tuple(row) for row in draw_coreset(alone(rows), 64, fresh()).rows.tolist()} == {
        tuple(row) for row in rows.tolist()
    }


def test_rows_that_are_all_the_same_make_a_bank() -> None:
    bank = draw_coreset(alone(torch.ones(100, 4)), 16, fresh())
    assert bool((bank.rows == 1).all())


def test_usual_is_the_mean_distance_of_those_that_come_pulled_to_the_mean_of_all() -> None:
    bank = Cells(torch.tensor([[0.0, 0], [10, 0]]), torch.tensor([-1, -2]))
    cells = Cells(torch.tensor([[0.0, 1], [0, 3], [10, 4]]), torch.tensor([0, 1, 2]))
    believed = (1 + 3 + 4) / 3
    expected = [(1 + 3 + 20 * believed) / 22, (4 + 20 * believed) / 21]
    assert usual_distances(bank, cells, 1).tolist() == pytest.approx(expected, rel=1e-5)


def test_usual_distances_start_from_what_was_believed() -> None:
    bank = Cells(torch.tensor([[0.0, 0], [10, 0]]), torch.tensor([-1, -2]))
    cells = Cells(torch.tensor([[0.0, 1]]), torch.tensor([0]))
    expected = [(1 + 20 * 0.5) / 21, 0.7]
    assert usual_distances(bank, cells, 1, torch.tensor([0.5, 0.7])).tolist() == pytest.approx(expected, rel=1e-5)


def test_an_image_is_not_compared_with_its_own_entries() -> None:
    # Image 0's cells lie on its own entry; without that they are 10 away from the other one.
    bank = Cells(torch.tensor([[0.0, 0], [10, 0]]), torch.tensor([0, 1]))
    own = Cells(torch.zeros(5, 2), torch.zeros(5, dtype=torch.long))
    strangers = Cells(torch.zeros(5, 2), torch.full((5,), 7))
    assert float(usual_distances(bank, own, 1)[1]) == pytest.approx(10, rel=1e-4)
    assert float(usual_distances(bank, strangers, 1)[0]) < 1e-3


def test_a_single_image_must_do_with_its_own_entries() -> None:
    nearest = fit_bank(torch.randn(1, 4, 6, 6, generator=fresh()), 8, 3, fresh())
    assert bool(torch.isfinite(nearest.usual).all())


def test_a_small_flaw_on_a_plain_face_outscores_a_busy_edge() -> None:
    # Plain cells hardly differ; edge cells differ by 1 from image to image. A flaw of .45 on the plain face is less
    # than that, and more than is usual there.
    plain = 0.02 * torch.randn(400, 3, 8, 7, generator=fresh(1))
    edge = 5 + torch.randn(400, 3, 8, 1, generator=fresh(2))
    nearest = fit_bank(torch.cat([plain, edge], dim=3), 50, 1, fresh())
    new_edges, flaw = 5 + torch.randn(200, 3, generator=fresh(3)), torch.tensor([[0.45, 0, 0]])
    assert float(nearest(flaw)) > float(nearest(new_edges).median())
    nearest.usual.zero_()
    assert float(nearest(flaw)) < float(nearest(new_edges).median())


def test_a_bank_follows_from_its_generator() -> None:
    maps = torch.randn(4, 5, 6, 6, generator=fresh())
    one, other = (fit_bank(maps, 16, 1, fresh(3)) for _ in range(2))
    assert torch.equal(one.bank, other.bank)
    assert torch.equal(one.usual, other.usual)


def test_a_taps_unit_is_how_much_normal_images_differ_in_their_peaks() -> None:
    # So few images that each both makes the bank and is judged, by the entries of the others.
    maps = torch.randn(3, 4, 6, 6, generator=fresh())
    banks = fit_banks([maps], 10**6, 1, fresh(1)).banks
    (nearest,) = banks.banks
    assert isinstance(nearest, NearestNormal)
    peaks = []
    for own in range(3):
        rows = maps[own].permute(1, 2, 0).reshape(-1, 4)
        owned = (nearest.bank[:, None] == rows).all(2).any(1)
        others, usual = nearest.bank[~owned], nearest.usual[~owned, 0]
        distance = torch.cdist(rows, others)
        smooth = smooth_map((distance.amin(1) - usual[distance.argmin(1)]).view(1, 6, 6))
        peaks.append(smooth.max() - smooth.flatten().sort().values[smooth.numel() // 4])
    expected = max(float(torch.stack(peaks).std(correction=0)), 0.1 * float(torch.stack(peaks).mean()))
    assert float(banks.spreads[0]) == pytest.approx(expected, rel=1e-3)


def test_images_that_do_not_differ_have_a_unit_all_the_same() -> None:
    banks = fit_banks([torch.ones(3, 4, 6, 6), torch.zeros(3, 2, 3, 3)], 16, 1, fresh()).banks
    assert float(banks.spreads.min()) > 0
