"""The bootstrap: figures of many redrawn test sets, all at once, from how often each picture was drawn.

A redrawn set is a row of weights [R, N]; figures are computed for all rows together (Efron 1979; whole lots are drawn
where they are known, since pictures of one lot are alike).
"""

import numpy as np

ROUNDS = 500
_TAILS = (0.025, 0.975)


def draw_weights(units: np.ndarray, is_defective: np.ndarray, *, seed: int = 0, rounds: int = ROUNDS) -> np.ndarray:
    """How often each of N pictures is in each redrawn set, float [R, N].

    Single pictures are drawn among the good and among the defective ones, so that both counts stay; lots as a whole.
    """
    chance = np.random.default_rng(seed)
    if len(np.unique(units)) < len(units):
        drawn = _multiplicities(chance, len(np.unique(units)), rounds)
        return drawn[:, np.unique(units, return_inverse=True)[1]]
    weights = np.zeros((rounds, len(units)))
    for kind in (False, True):
        members = np.flatnonzero(is_defective == kind)
        if len(members):
            weights[:, members] = _multiplicities(chance, len(members), rounds)
    return weights


def interval(values: np.ndarray) -> tuple[float, float] | None:
    """The middle 95 % of the figures [R]; None where hardly any redrawn set has one."""
    known = values[np.isfinite(values)]
    if len(known) < len(values) / 2:
        return None
    low, high = np.quantile(known, _TAILS)
    return float(low), float(high)


def weighted_auroc(scores: np.ndarray, is_defective: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Image AUROC for each row of weights, [R]; NaN where a row has one class only."""
    good, defective = _by_value(scores, is_defective, weights)
    below = good.cumsum(1) - good
    pairs = good.sum(1) * defective.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pairs > 0, ((below + good / 2) * defective).sum(1) / pairs, np.nan)


def weighted_escape_rate(
    scores: np.ndarray, is_defective: np.ndarray, weights: np.ndarray, overkill_rate: float
) -> np.ndarray:
    """Escapes at the lowest limit that fails at most `overkill_rate` of the good, for each row of weights, [R]."""
    good, defective = _by_value(scores, is_defective, weights)
    failed_good, failed_defective = good[:, ::-1].cumsum(1), defective[:, ::-1].cumsum(1)
    allowed = failed_good <= overkill_rate * good.sum(1, keepdims=True)
    caught = np.where(allowed, failed_defective, 0).max(1)
    total = defective.sum(1)
    escaped: np.ndarray = 1 - caught / np.where(total > 0, total, np.nan)
    return escaped


def _multiplicities(chance: np.random.Generator, count: int, rounds: int) -> np.ndarray:
    drawn: np.ndarray = chance.multinomial(count, np.full(count, 1 / count), size=rounds).astype(float)
    return drawn


def _by_value(scores: np.ndarray, is_defective: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of good and of defective pictures at each distinct score, in rising order: two [R, values]."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))
    ordered, defective = weights[:, order], is_defective[order]
    return (
        np.add.reduceat(ordered * ~defective, starts, axis=1),
        np.add.reduceat(ordered * defective, starts, axis=1),
    )
