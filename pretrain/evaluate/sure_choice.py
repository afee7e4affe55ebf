"""Choosing a way of scoring by synthetic flaws: the rule stays, unless another way is surely better."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np

_RESAMPLES, _SURE = 1000, 0.95

Way = TypeVar("Way", bound=Hashable)


def wins_over(of_clean: np.ndarray, of_flawed: np.ndarray) -> np.ndarray:
    """Does flawed image j outscore clean image i? 0, 1, or 1/2, float [n, n], of scores [n] of the same images.

    The mean is the AUROC of flawed against clean images.
    """
    wins: np.ndarray = 0.5 * (np.sign(of_flawed[None] - of_clean[:, None]) + 1)
    return wins


def surely_best(wins: Mapping[Way, np.ndarray], rule: Way, seed: int) -> Way:
    """The rule, or the way of the highest AUROC among those that beat it in nearly all resamples of the images.

    The images are the same for all ways, so that their own difficulty is no part of the difference.
    """
    count = len(wins[rule])
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=_RESAMPLES) / count
    aurocs = {way: np.einsum("ri,ij,rj->r", weights, found, weights, optimize=True) for way, found in wins.items()}
    better = [way for way in wins if way != rule and np.mean(aurocs[way] > aurocs[rule]) >= _SURE]
    return max(better, key=lambda way: wins[way].mean(), default=rule)
