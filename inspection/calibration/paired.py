"""Two models on the same parts: is the second one worse, and by how much at the most? Exact, whatever the numbers.

Of n parts the second model `lost` some (it errs where the first did not) and `gained` others (it is right where the
first erred); on all others both agree. The difference of their error rates is estimated by (lost - gained) / n.
"""

from functools import lru_cache

import numpy as np
from scipy.special import bdtr, gammaln, xlog1py, xlogy
from scipy.stats import binom

_NUISANCE_POINTS = 192
_SLACK = 1e-9
_NEGLIGIBLE = 1e-12
_BOUND_TOLERANCE = 1e-4
MOST_PARTS = 10_000
"""Further parts are not counted up to: whoever would need more asks for what cannot be had."""


def rise_p_value(lost: int, gained: int) -> float:
    """How likely so many more losses than gains are where both models err alike: McNemar's exact test, one-sided."""
    return float(binom.sf(lost - 1, lost + gained, 0.5)) if lost else 1.0


@lru_cache(maxsize=65536)
def noninferiority_p_value(lost: int, gained: int, count: int, margin: float) -> float:
    """How likely data at least this good are where the second model's error rate is higher by `margin`, -1 to 1.

    The exact unconditional test ordered by Tango's score (Hsueh, Liu and Chen 2001, Biometrics 57; Tango 1998,
    Statistics in Medicine 17): the largest probability over every rate at which the models may differ. At most `alpha`
    of models that are worse by the margin get a p-value of `alpha` or less, for any number of parts.
    """
    if count == 0:
        return 1.0
    observed = float(_scores(np.array([lost]), np.array([gained]), count, margin)[0])
    gains = np.arange(count + 1)
    most_lost = _most_lost(gains, count, margin, observed + _SLACK)
    gains, most_lost = gains[most_lost >= 0], most_lost[most_lost >= 0]
    low, high = max(0.0, -margin), (1.0 - margin) / 2
    # Denser at the lower end, where models that agree on nearly all parts lie.
    gain_rates = low + (high - low) * np.linspace(0.0, 1.0, _NUISANCE_POINTS)[:, None] ** 2
    chances = np.exp(
        gammaln(count + 1)
        - gammaln(gains + 1)
        - gammaln(count - gains + 1)
        + xlogy(gains, gain_rates)
        + xlog1py(count - gains, -gain_rates)
    )
    # Most numbers of gains are next to impossible at any one rate, and the rest is all that takes time.
    rows, columns = np.nonzero(chances > _NEGLIGIBLE)
    rates = gain_rates[rows, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        loss_rates = np.clip((rates + margin) / (1.0 - rates), 0.0, 1.0)
    others = bdtr(most_lost[columns], count - gains[columns], loss_rates)
    sums = np.bincount(rows, chances[rows, columns] * np.nan_to_num(others), minlength=_NUISANCE_POINTS)
    # What was left out counts as if it spoke against: the p-value is never too low.
    return float(min(sums.max() + _NEGLIGIBLE * count, 1.0))


@lru_cache(maxsize=65536)
def difference_bound(lost: int, gained: int, count: int, confidence: float = 0.95) -> float:
    """The second model's error rate is higher by at most this, at `confidence`, one-sided; 1 where nothing is known."""
    low, high = (lost - gained) / count if count else -1.0, 1.0
    low = max(low, -1.0 + _BOUND_TOLERANCE)
    if count == 0:
        return 1.0
    while high - low > _BOUND_TOLERANCE:
        middle = (low + high) / 2
        if noninferiority_p_value(lost, gained, count, round(middle, 9)) <= 1 - confidence:
            high = middle
        else:
            low = middle
    return high


@lru_cache(maxsize=65536)
def needed_count(lost: int, gained: int, count: int, margin: float, confidence: float = 0.95) -> int | None:
    """Parts that would show the difference to be below `margin`, if the further ones came out as these have.

    None where more losses than gains were seen, or where more than MOST_PARTS would be needed.
    """
    if lost > gained:
        return None

    def settles(total: int) -> bool:
        share = total / count if count else 0.0
        scaled = round(lost * share), round(gained * share)
        return noninferiority_p_value(*scaled, total, margin) <= 1 - confidence

    low, high = max(count, 1), max(count, 1)
    while not settles(high):
        if high >= MOST_PARTS:
            return None
        low, high = high, min(2 * high, MOST_PARTS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return high


def _scores(lost: np.ndarray, gained: np.ndarray, count: int, margin: float) -> np.ndarray:
    """Tango's score of each outcome: the lower, the more it speaks against a difference of `margin`."""
    a = 2.0 * count
    b = -lost - gained + (2.0 * count - lost + gained) * margin
    c = -gained * margin * (1.0 - margin)
    gain_rate = (np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = count * (2 * gain_rate + margin * (1.0 - margin))
    with np.errstate(divide="ignore", invalid="ignore"):
        score: np.ndarray = (lost - gained - count * margin) / np.sqrt(np.maximum(variance, 0.0))
    score[np.isnan(score)] = 0.0
    return score


def _most_lost(gains: np.ndarray, count: int, margin: float, limit: float) -> np.ndarray:
    """For each number of gains the most losses whose score is still within `limit`; -1 where none is.

    More losses at the same gains always raise the score, so that a search by halves finds it.
    """
    low, high = np.full(len(gains), -1), count - gains
    while (low < high).any():
        middle = (low + high + 1) // 2
        within = _scores(middle, gains, count, margin) <= limit
        low, high = np.where(within, middle, low), np.where(within, high, middle - 1)
    return low
