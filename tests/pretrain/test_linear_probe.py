"""The linear probe against a slow fit of its own, and where it must and must not succeed."""

from __future__ import annotations

import numpy as np
import pytest

from pretrain.evaluate import linear_probe
from pretrain.evaluate.linear_probe import linear_top1


def clouds(seed: int, *, distance: float, count: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Three classes around corners of a triangle in five dimensions of very different sizes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    centres = distance * np.eye(5)[:3]
    sizes = np.array([1, 30, 0.02, 1, 4])
    return (centres[labels] + rng.normal(size=(count, 5))) * sizes + 7, labels


def slow_top1(train: np.ndarray, labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """Softmax regression with its gradient written out, descended in many small steps."""
    mean, deviation = train.mean(0), train.std(0)
    rows, judged = (train - mean) / deviation, (test - mean) / deviation
    truth = np.eye(labels.max() + 1)[labels]
    weights, offset = np.zeros((rows.shape[1], truth.shape[1])), np.zeros(truth.shape[1])
    for _ in range(4000):
        exponent = np.exp(rows @ weights + offset)
        error = (exponent / exponent.sum(1, keepdims=True) - truth) / len(rows)
        weights -= 0.5 * (rows.T @ error + linear_probe._WEIGHT_DECAY * weights)
        offset -= 0.5 * error.sum(0)
    return float(100 * ((judged @ weights + offset).argmax(1) == test_labels).mean())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_probe_ends_where_a_slow_descent_does(seed: int) -> None:
    train, test = clouds(seed, distance=1.5), clouds(seed + 10, distance=1.5, count=1000)
    slow = slow_top1(*train, *test)
    assert 60 < slow < 90
    assert linear_top1(*train, *test) == pytest.approx(slow, abs=0.2)


def test_classes_apart_are_told_apart() -> None:
    assert linear_top1(*clouds(0, distance=12), *clouds(1, distance=12)) == 100


def test_what_no_line_divides_is_not_told_apart() -> None:
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 1, (2000, 2))
    crossed = (rows[:, 0] * rows[:, 1] > 0).astype(int)
    assert linear_top1(rows[:1000], crossed[:1000], rows[1000:], crossed[1000:]) < 65


def test_labels_without_meaning_give_chance() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(2000, 16)), rng.normal(size=(2000, 16))
    figure = linear_top1(train, rng.integers(0, 4, 2000), test, rng.integers(0, 4, 2000))
    # Four deviations of a coin with four sides, thrown 2000 times.
    assert abs(figure - 25) < 4 * 100 * np.sqrt(0.25 * 0.75 / 2000)


def test_a_feature_that_never_changes_does_no_harm() -> None:
    (train, labels), (test, test_labels) = clouds(0, distance=12), clouds(1, distance=12)
    padded = [np.hstack([rows, np.full((len(rows), 1), 3.0)]) for rows in (train, test)]
    assert linear_top1(padded[0], labels, padded[1], test_labels) == 100


def test_a_fit_that_was_cut_short_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(linear_probe, "_MOST_STEPS", 1)
    linear_top1(*clouds(0, distance=1.5), *clouds(1, distance=1.5))
    assert "the linear probe was stopped after 1 steps" in capsys.readouterr().err
