"""The memory bank: k-means centres, and no more of them than there are rows."""

from __future__ import annotations

import torch

from distill.memory_bank import build_bank


def fresh() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_centres_are_the_means_of_the_rows_nearest_to_them() -> None:
    places = torch.tensor([[0.0, 0], [20, 0], [0, 20], [20, 20]])
    rows = (places[:, None] + torch.randn(4, 50, 2, generator=fresh())).flatten(0, 1)
    for seed in range(5):
        centres = build_bank(rows, 4, torch.Generator().manual_seed(seed))
        owners = torch.cdist(rows, centres).argmin(1)
        for index, centre in enumerate(centres):
            assert torch.allclose(centre, rows[owners == index].mean(0), atol=1e-4)


def test_a_centre_stands_for_many_not_for_the_rarest() -> None:
    # A coreset would spend half of its places on the few outliers.
    many = torch.randn(2000, 3, generator=fresh())
    few = 30 * torch.randn(6, 3, generator=fresh())
    centres = build_bank(torch.cat([many, few]), 32, fresh())
    assert int((centres.norm(dim=1) < 6).sum()) >= 26


def test_more_centres_lie_nearer_to_the_rows() -> None:
    rows = torch.randn(1000, 4, generator=fresh())

    def gap(size: int) -> float:
        return float(torch.cdist(rows, build_bank(rows, size, fresh())).amin(1).mean())

    drawn = rows[torch.randperm(1000, generator=fresh())[:64]]
    assert gap(256) < gap(64) < gap(16)
    assert gap(64) < float(torch.cdist(rows, drawn).amin(1).mean())


def test_fewer_rows_than_asked_for_are_all_kept() -> None:
    rows = torch.randn(10, 4, generator=fresh()).half()
    bank = build_bank(rows, 64, fresh())
    assert bank.dtype == torch.float32
    assert {tuple(row) for row in bank.tolist()} == {tuple(row) for row in rows.float().tolist()}


def test_rows_that_are_all_the_same_make_a_bank_without_gaps() -> None:
    bank = build_bank(torch.ones(100, 4), 16, fresh())
    assert bank.shape == (16, 4)
    assert bool((bank == 1).all())


def test_a_bank_follows_from_its_generator() -> None:
    rows = torch.randn(300, 4, generator=fresh())
    assert torch.equal(build_bank(rows, 16, fresh()), build_bank(rows, 16, fresh()))
