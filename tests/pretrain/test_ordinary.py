"""Suspected images stand out from all others and are kept from the memory bank."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pretrain.evaluate.memory_bank import fit_banks
from pretrain.evaluate.ordinary import find_ordinary


def fresh(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def maps(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 4, 6, 6, generator=fresh(seed))


def with_defects(images: Tensor, places: list[int]) -> Tensor:
    """Each with a defect of its own, several cells wide."""
    images = images.clone()
    for number, place in enumerate(places):
        images[place, :, 1:4, 1:4] += 12 * torch.randn(4, 1, 1, generator=fresh(100 + number))
    return images


def test_images_with_a_defect_are_those_left_out() -> None:
    defects = [3, 11, 30]
    found = find_ordinary([with_defects(maps(40), defects)], 3 / 40, fresh()).tolist()
    assert found == [place for place in range(40) if place not in defects]


def test_nothing_suspected_leaves_nothing_out() -> None:
    assert find_ordinary([with_defects(maps(40), [3])], 0.0, fresh()).tolist() == list(range(40))


def test_the_finest_tap_has_no_say_where_there_are_others() -> None:
    clean, dirty = maps(40), with_defects(maps(40), [3, 11])
    assert {3, 11} <= set(find_ordinary([dirty, clean], 2 / 40, fresh(2)).tolist())
    assert not {3, 11} & set(find_ordinary([clean, dirty], 2 / 40, fresh(2)).tolist())


@pytest.mark.parametrize(("count", "share", "kept"), [(1, 0.5, 1), (30, 0.1, 27), (30, 0.5, 15)])
def test_so_many_are_left_out_as_are_suspected(count: int, share: float, kept: int) -> None:
    # The same images stand out alike.
    assert len(find_ordinary([torch.ones(count, 4, 6, 6)], share, fresh())) == kept


def test_a_defect_outscores_normal_images_though_the_unlabeled_ones_hold_its_like() -> None:
    places = [5, 17, 40, 66]
    images = with_defects(maps(80), places)

    def margin(suspected_share: float) -> float:
        banks = fit_banks([images], 4096, 1, fresh(1), suspected_share=suspected_share).banks
        peaks = banks([torch.cat([maps(10, seed=9), images[places]])]).flatten(1).amax(1)
        return float(peaks[10:].min() - peaks[:10].max())

    assert margin(0.05) > 0
    assert margin(0.0) < 0
