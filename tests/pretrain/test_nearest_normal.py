"""Distances to a memory bank against brute force."""

from __future__ import annotations

import math

import pytest
import torch

from pretrain.evaluate.nearest_normal import NearestNormal, smooth_map


def rows(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_brute_force(query: list[float], bank: list[list[float]], neighbours: int) -> float:
    distances = sorted(math.dist(query, entry) for entry in bank)[:neighbours]
    return sum(distances) / len(distances)


@pytest.mark.parametrize("neighbours", [1, 3, 50])
def test_distances_are_those_of_brute_force(neighbours: int) -> None:
    bank, queries = rows(1, 20, 6), rows(2, 2, 3, 4, 6)
    got = NearestNormal(bank, neighbours)(queries)
    assert got.shape == (2, 3, 4)
    for place, answer in zip(queries.flatten(0, 2).tolist(), got.flatten().tolist(), strict=True):
        assert answer == pytest.approx(by_brute_force(place, bank.tolist(), neighbours), rel=1e-4)


def test_what_the_bank_holds_is_at_no_distance_from_it() -> None:
    # Far from the origin the squares are large: their difference would be rounding, or no number at all.
    bank = rows(1, 20, 6) + 100
    assert float(NearestNormal(bank, 1)(bank).max()) < 1e-5


def test_small_distances_are_exact_far_from_the_origin() -> None:
    bank = rows(1, 20, 6) + 100
    queries = bank + 1e-3 * torch.eye(6)[0]
    assert torch.allclose(NearestNormal(bank, 1)(queries), (queries - bank).norm(dim=1), rtol=1e-4)


def test_a_map_is_smoothed_over_the_neighbours_there_are() -> None:
    maps = rows(1, 2, 4, 5)
    got = smooth_map(maps)
    for image in range(2):
        for r in range(4):
            for c in range(5):
                around = [
                    float(maps[image, y, x])
                    for y in range(max(r - 1, 0), min(r + 2, 4))
                    for x in range(max(c - 1, 0), min(c + 2, 5))
                ]
                assert float(got[image, r, c]) == pytest.approx(sum(around) / len(around), abs=1e-5)


def test_what_is_usual_at_the_nearest_entries_is_taken_off() -> None:
    bank, queries, usual = rows(1, 20, 6), rows(2, 7, 6), rows(3, 20).abs()
    got = NearestNormal(bank, 2, usual)(queries)
    for query, answer in zip(queries, got.tolist(), strict=True):
        nearest = (bank - query).norm(dim=1).argsort()[:2]
        expected = (bank[nearest] - query).norm(dim=1).mean() - usual[nearest].mean() + usual.mean()
        assert answer == pytest.approx(float(expected), abs=1e-4)
