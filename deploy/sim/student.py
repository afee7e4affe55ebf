"""What a night makes: a memory bank of good parts for each place, and limits calibrated on other lots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deploy.sim.features import WIDTH
from inspection.calibration.both_limits import set_both_limits
from inspection.calibration.policy import Thresholds, judge, score_part
from inspection.calibration.thresholds import CalibrationTarget
from inspection.verdict import Verdict

TARGET = CalibrationTarget(flagged_rate=0.06)
_RIDGE = 0.05
_NEIGHBOURS = 3
_LEVEL = 0.25


@dataclass(frozen=True)
class Judged:
    """Both scores, what they come to, and the verdict."""

    local_score: float
    global_score: float
    part_score: float
    verdict: Verdict


@dataclass(frozen=True)
class Student:
    """Whitened features of good parts at each place as a memory bank, and the limits in force."""

    name: str
    whitening: np.ndarray
    """float32 [places, WIDTH, WIDTH]"""
    bank: np.ndarray
    """float32 [places, m, WIDTH], of m parts"""
    usual: np.ndarray
    """float32 [places, m]: how far the other parts of the bank lie from each at its place"""
    thresholds: Thresholds

    def score(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Local and global scores [n] of features [n, CELLS, CELLS, WIDTH]."""
        return _score(features, self.whitening, self.bank, self.usual)

    def judge(self, features: np.ndarray) -> list[Judged]:
        """By Kensa's own policy."""
        return [conclude(one, other, self.thresholds) for one, other in zip(*self.score(features), strict=True)]


def conclude(local_score: float, global_score: float, thresholds: Thresholds, *, global_fails: bool = True) -> Judged:
    """By Kensa's own policy, under these limits."""
    part_score = score_part(float(local_score), float(global_score), thresholds)
    verdict = judge(float(local_score), float(global_score), thresholds, global_fails=global_fails).verdict
    return Judged(float(local_score), float(global_score), part_score, verdict)


def train(name: str, training: np.ndarray, calibration: np.ndarray) -> Student:
    """From features of parts to learn from, and of other lots to calibrate on. Raises CalibrationError."""
    points = _by_place(training)
    covariance = np.einsum("pnd,pne->pde", apart := points - points.mean(axis=1, keepdims=True), apart) / len(training)
    # Shrunk towards what is usual over all places: a place where nothing ever varies would see defects everywhere.
    usual = np.einsum("pdd->d", covariance) / len(covariance)
    covariance += _RIDGE * np.diag(usual) + 1e-9 * np.eye(WIDTH)
    whitening = np.linalg.inv(np.linalg.cholesky(covariance)).astype(np.float32)
    bank = points @ whitening.transpose(0, 2, 1)
    usual = _nearest(_squares(bank, bank), itself=True)[0]
    limits = set_both_limits(*_score(calibration, whitening, bank, usual), TARGET)
    return Student(name, whitening, bank, usual, limits.thresholds)


def _by_place(features: np.ndarray) -> np.ndarray:
    """[n, CELLS, CELLS, WIDTH] to [places, n, WIDTH]."""
    return features.reshape(len(features), -1, WIDTH).transpose(1, 0, 2)


def _score(
    features: np.ndarray, whitening: np.ndarray, bank: np.ndarray, usual: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As a bundle's graph does: distances to good parts at the same place less what is usual there.

    Their peak beyond the view's lower quartile is the local score, their mean the global one.
    """
    distances, nearest = _nearest(_squares(_by_place(features) @ whitening.transpose(0, 2, 1), bank))
    expected = np.mean([np.take_along_axis(usual, one, axis=1) for one in nearest], axis=0)
    excess = (distances - expected + usual.mean()).T
    return excess.max(axis=1) - np.quantile(excess, _LEVEL, axis=1), excess.mean(axis=1)


def _squares(points: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Squared distances [places, n, m] of [places, n, WIDTH] to [places, m, WIDTH]."""
    lengths = (points**2).sum(axis=2)[:, :, None] + (bank**2).sum(axis=2)[:, None, :]
    squares: np.ndarray = np.maximum(lengths - 2 * points @ bank.transpose(0, 2, 1), 0.0)
    return squares


def _nearest(squares: np.ndarray, *, itself: bool = False) -> tuple[np.ndarray, list[np.ndarray]]:
    """Mean distance [places, n] to the nearest, and which those are, [places, n] each; `squares` is used up.

    With `itself` the points are the bank's own: none is its own neighbour.
    """
    if itself:
        own = np.arange(squares.shape[1])
        squares[:, own, own] = np.inf
    places: list[np.ndarray] = []
    total = np.zeros(squares.shape[:2], np.float32)
    for _ in range(_NEIGHBOURS):
        place = squares.argmin(axis=2)[:, :, None]
        total += np.sqrt(np.take_along_axis(squares, place, axis=2))[:, :, 0]
        np.put_along_axis(squares, place, np.inf, axis=2)
        places.append(place[:, :, 0])
    return total / _NEIGHBOURS, places
