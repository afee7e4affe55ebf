"""Keeping images apart: whole lots where there are some, and always a rest to train on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrain.data.image_set import ImageSet
from pretrain.evaluate.splits import split_by_lot


def images(lots: list[str]) -> ImageSet:
    names = [f"{place:04d}" for place in range(len(lots))]
    return ImageSet(
        torch.zeros(len(lots), 1, 1, 3, dtype=torch.uint8), tuple(lots), tuple(names), tuple(map(Path, names))
    )


def of_lots(**sizes: int) -> ImageSet:
    return images([lot for lot, size in sizes.items() for _ in range(size)])


def test_no_lot_is_on_both_sides() -> None:
    everything = of_lots(a=10, b=12, c=9, d=11)
    for seed in range(20):
        fitted, held, how = split_by_lot(everything, seed)
        assert sorted(fitted + held) == list(range(42))
        held_lots = {everything.lots[place] for place in held}
        assert not held_lots & {everything.lots[place] for place in fitted}
        assert how == f"by lot; held out: {', '.join(dict.fromkeys(how.partition(': ')[2].split(', ')))}"
        assert set(how.partition(": ")[2].split(", ")) == held_lots
        assert 8 <= len(held) <= 21


def test_images_of_one_lot_are_split_by_image() -> None:
    for everything in (images([""] * 40), images(["monday"] * 40)):
        fitted, held, how = split_by_lot(everything, 0)
        assert sorted(fitted + held) == list(range(40))
        assert len(held) == 10
        assert how == "by image; no lots are known"


def test_the_split_follows_from_its_seed_alone() -> None:
    for everything in (images([""] * 40), of_lots(a=10, b=12, c=9, d=11)):
        assert split_by_lot(everything, 1) == split_by_lot(everything, 1)
        assert len({tuple(split_by_lot(everything, seed)[1]) for seed in range(8)}) > 1


@pytest.mark.parametrize("count", range(2, 17))
def test_of_few_images_half_is_held_out_at_most(count: int) -> None:
    fitted, held, _ = split_by_lot(images([""] * count), 0)
    assert len(held) == min(8, count // 2)
    assert len(fitted) == count - len(held)


@pytest.mark.parametrize("sizes", [{"a": 100, "b": 2}, {"a": 30, "b": 3, "c": 2}, {"a": 97, "b": 1, "c": 1, "d": 1}])
def test_one_large_lot_is_never_taken_from_training(sizes: dict[str, int]) -> None:
    everything = of_lots(**sizes)
    for seed in range(10):
        fitted, held, how = split_by_lot(everything, seed)
        assert len(held) >= 8
        assert len(fitted) >= len(everything) / 2
        assert how == "by image; the lots are too uneven to hold out whole ones"


@settings(max_examples=150, deadline=None)
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=7), seed=st.integers(0, 1000))
def test_any_folder_leaves_something_to_train_on_and_to_judge_by(sizes: list[int], seed: int) -> None:
    everything = of_lots(**{f"lot{number}": size for number, size in enumerate(sizes)})
    count = len(everything)
    fitted, held, how = split_by_lot(everything, seed)
    assert sorted(fitted + held) == list(range(count))
    assert len(held) >= min(8, count // 2)
    assert len(fitted) >= count / 2
    if how.startswith("by lot"):
        assert not {everything.lots[place] for place in held} & {everything.lots[place] for place in fitted}
