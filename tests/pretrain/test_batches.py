"""Batches: which images a step sees, how they are shared, and that fetching ahead changes nothing."""

from __future__ import annotations

import threading

import pytest
import torch

from inspection.errors import TrainingError
from pretrain.data.batches import Batches, BatchOrder, TrainingImages, order_batches
from pretrain.processes.one_batch import Share

CPU = torch.device("cpu")


def images(count: int) -> TrainingImages:
    """Every pixel of an image holds its number; every other image is held out."""
    numbers = torch.arange(2 * count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 4, 4, 3).contiguous()
    return TrainingImages(numbers, torch.arange(count) * 2)


def first_steps(batches: Batches, start: int, count: int) -> list[list[int]]:
    with batches.starting_at(start) as fetched:
        return [next(fetched)[:, 0, 0, 0].tolist() for _ in range(count)]


def test_an_epoch_sees_every_image_once_in_an_order_of_its_own() -> None:
    order = BatchOrder(12, 4, seed=3)
    epochs = [torch.cat([order(step) for step in range(first, first + 3)]) for first in (0, 3)]
    assert [sorted(epoch.tolist()) for epoch in epochs] == [list(range(12))] * 2
    assert not torch.equal(*epochs)


def test_what_does_not_fill_a_batch_changes_from_epoch_to_epoch() -> None:
    order = BatchOrder(10, 4, seed=0)
    seen = [set(torch.cat([order(2 * epoch), order(2 * epoch + 1)]).tolist()) for epoch in range(20)]
    assert {len(one) for one in seen} == {8}
    assert set.union(*seen) == set(range(10))


def test_a_batch_follows_from_seed_and_step_alone() -> None:
    assert torch.equal(BatchOrder(50, 8, 1)(17), BatchOrder(50, 8, 1)(17))
    assert not torch.equal(BatchOrder(50, 8, 1)(17), BatchOrder(50, 8, 2)(17))
    assert not torch.equal(BatchOrder(50, 8, 1)(17), BatchOrder(50, 8, 1)(16))


def test_fetching_ahead_and_starting_anywhere_give_the_same_batches() -> None:
    held, order = images(20), BatchOrder(20, 6, 5)
    batches = Batches(held, order, Share(), CPU)
    expected = [held.pixels[held.rows[order(step)]][:, 0, 0, 0].tolist() for step in range(8)]
    assert first_steps(batches, 0, 8) == expected
    assert first_steps(batches, 5, 3) == expected[5:]
    assert all(number % 2 == 0 for batch in expected for number in batch)


def test_batches_are_fetched_by_another_thread_before_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []
    real = BatchOrder.__call__

    def noted(order: BatchOrder, step: int) -> torch.Tensor:
        asked.append((step, threading.current_thread().name))
        return real(order, step)

    monkeypatch.setattr(BatchOrder, "__call__", noted)
    batches = Batches(images(20), BatchOrder(20, 5, 0), Share(), CPU)
    assert len(first_steps(batches, 0, 1)) == 1
    assert [step for step, _ in asked] == [0, 1, 2]
    assert all(name.startswith("fetch") for _, name in asked)


def test_shares_of_processes_and_parts_make_the_whole_batch() -> None:
    held, order = images(24), BatchOrder(24, 12, 0)
    whole = first_steps(Batches(held, order, Share(), CPU), 0, 1)[0]
    own = [first_steps(Batches(held, order, Share(rank, 2, 0, 3), CPU), 0, 1)[0] for rank in (0, 1)]
    # Part by part, and in each part process by process.
    together = [number for part in range(3) for rank in (0, 1) for number in own[rank][2 * part : 2 * part + 2]]
    assert together == whole
    for part in range(3):
        for rank in (0, 1):
            rows = Share(rank, 2, part, 3).rows(2)
            assert whole[rows] == own[rank][2 * part : 2 * part + 2]


def test_a_batch_is_no_larger_than_the_set() -> None:
    assert order_batches(9, 64, 0, Share()).batch_size == 9
    assert order_batches(100, 64, 0, Share()).batch_size == 64


@pytest.mark.parametrize(
    ("image_count", "batch_size", "shares"),
    [(9, 64, Share(0, 2)), (100, 10, Share(0, 4)), (100, 12, Share(0, 2, 0, 4)), (100, 4, Share(0, 1, 0, 4))],
)
def test_a_batch_that_does_not_divide_is_refused(image_count: int, batch_size: int, shares: Share) -> None:
    with pytest.raises(
        TrainingError, match=r"a batch of \d+ images is not to be shared by .*: set optimisation\.batch"
    ):
        order_batches(image_count, batch_size, 0, shares)
