"""Exact intervals for rates that were counted; counts need not be whole where they were weighted."""

from scipy.stats import beta


def upper_bound_of_rate(count: float, total: float, confidence: float = 0.95) -> float:
    """One-sided Clopper-Pearson upper bound: the rate is at most this, at `confidence`."""
    if total == 0:
        return 1.0
    return 1.0 if count >= total else float(beta.ppf(confidence, count + 1, total - count))


def interval_of_rate(count: float, total: float, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval."""
    if total == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(beta.ppf(tail, count, total - count + 1))
    high = 1.0 if count == total else float(beta.ppf(1 - tail, count + 1, total - count))
    return low, high
