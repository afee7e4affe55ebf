"""Intervals of counted rates agree with scipy's own and with their definition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from inspection.calibration.intervals import interval_of_rate, upper_bound_of_rate

COUNTS = st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
CONFIDENCES = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])


@settings(max_examples=150, deadline=None)
@given(COUNTS, CONFIDENCES)
def test_the_two_sided_interval_is_that_of_scipy(counts: tuple[int, int], confidence: float) -> None:
    count, total = counts
    theirs = binomtest(count, total).proportion_ci(confidence, method="exact")
    assert interval_of_rate(count, total, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(COUNTS, CONFIDENCES)
def test_the_upper_bound_is_that_of_scipy(counts: tuple[int, int], confidence: float) -> None:
    count, total = counts
    theirs = binomtest(count, total, alternative="less").proportion_ci(confidence, method="exact")
    assert upper_bound_of_rate(count, total, confidence) == pytest.approx(theirs.high, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(COUNTS, CONFIDENCES)
def test_at_the_bound_so_few_are_just_that_rare(counts: tuple[int, int], confidence: float) -> None:
    count, total = counts
    bound = upper_bound_of_rate(count, total, confidence)
    if count < total:
        assert binom.cdf(count, total, bound) == pytest.approx(1 - confidence, abs=1e-7)
    else:
        assert bound == 1.0


def test_the_rule_of_three() -> None:
    """No escape in 300 audits: below 1 % at 95 %."""
    assert upper_bound_of_rate(0, 300) == pytest.approx(0.00994, abs=1e-5)


def test_nothing_counted_is_nothing_known() -> None:
    assert upper_bound_of_rate(0, 0) == 1.0
    assert interval_of_rate(0, 0) == (0.0, 1.0)
