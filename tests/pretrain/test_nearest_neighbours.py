"""The vote of nearest neighbours against scikit-learn's, by hand, and where it must and must not succeed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from pretrain.evaluate import nearest_neighbours
from pretrain.evaluate.nearest_neighbours import knn_top1, vote


def rows(count: int, seed: int, width: int = 12) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def classes(count: int, seed: int) -> Tensor:
    return torch.randint(0, 4, (count,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("neighbours", "temperature"), [(1, 0.07), (20, 0.07), (20, 0.5)])
def test_the_vote_is_that_of_scikit_learn(neighbours: int, temperature: float, monkeypatch: pytest.MonkeyPatch) -> None:
    # So that the rows come in several parts.
    monkeypatch.setattr(nearest_neighbours, "_ROWS_AT_ONCE", 64)
    train, labels, test = rows(300, 0), classes(300, 1), rows(200, 2)

    def weights(distances: np.ndarray) -> np.ndarray:
        return np.exp((1 - distances) / temperature)

    other = KNeighborsClassifier(neighbours, metric="cosine", algorithm="brute", weights=weights)
    expected = other.fit(train.numpy(), labels.numpy()).predict(test.numpy())
    assert vote(train, labels, test, neighbours, temperature).tolist() == expected.tolist()


def test_one_close_neighbour_outvotes_two_far_ones() -> None:
    def at(degrees: float) -> list[float]:
        return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]

    train, labels = torch.tensor([at(5), at(60), at(61)]), torch.tensor([0, 1, 1])
    test = torch.tensor([at(0)])
    assert vote(train, labels, test, 3, 0.07).tolist() == [0]
    # Nearly equal weights: two are more than one.
    assert vote(train, labels, test, 3, 50.0).tolist() == [1]


def test_only_the_direction_of_a_feature_counts() -> None:
    train, labels, test = rows(100, 0), classes(100, 1), rows(50, 2)
    longer = test * torch.arange(1, 51)[:, None]
    assert vote(train, labels, test, 5, 0.07).tolist() == vote(train * 9, labels, longer, 5, 0.07).tolist()


def test_fewer_images_than_neighbours_all_vote() -> None:
    train, test = rows(6, 0), rows(6, 1)
    labels = torch.tensor([0, 1, 0, 1, 0, 1])
    assert vote(train, labels, test, 20, 0.07).tolist() == vote(train, labels, test, 6, 0.07).tolist()


def test_what_no_line_divides_is_told_apart_by_neighbours() -> None:
    angles = torch.rand(2000, generator=torch.Generator().manual_seed(0)) * 2 * torch.pi
    circle, quadrant = torch.stack([angles.cos(), angles.sin()], 1), (angles / (torch.pi / 2)).long() % 2
    assert knn_top1(circle[:1000], quadrant[:1000], circle[1000:], quadrant[1000:]) > 98


def test_labels_without_meaning_give_chance() -> None:
    figure = knn_top1(rows(2000, 0), classes(2000, 1), rows(2000, 2), classes(2000, 3))
    # Four deviations of a coin with four sides, thrown 2000 times.
    assert abs(figure - 25) < 4 * 100 * math.sqrt(0.25 * 0.75 / 2000)
