"""Means, spreads and paired differences against scipy's own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pretrain.ablation.comparison import Difference, Summary, paired_difference, summarise


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_paired_difference_has_the_interval_of_a_paired_t_test(count: int) -> None:
    rng = np.random.default_rng(count)
    before = rng.normal(80, 3, count)
    after = before + rng.normal(1, 0.5, count)
    difference = paired_difference(before.tolist(), after.tolist())
    expected = stats.ttest_rel(after, before).confidence_interval(0.95)
    assert difference.mean == pytest.approx(np.mean(after) - np.mean(before))
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))


def test_what_all_runs_of_a_seed_share_cancels() -> None:
    difference = paired_difference([50.0, 60.0, 70.0], [51.0, 61.0, 71.0])
    assert (difference.mean, difference.low, difference.high) == pytest.approx((1, 1, 1))


def test_a_summary_is_mean_and_sample_deviation() -> None:
    summary = summarise([1.0, 2.0, 6.0])
    assert (summary.mean, summary.deviation) == pytest.approx((3, np.std([1, 2, 6], ddof=1)))


def test_one_seed_has_no_spread() -> None:
    assert summarise([5.0]) == Summary(5.0, None)
    assert paired_difference([5.0], [7.0]) == Difference(2.0, None, None)
