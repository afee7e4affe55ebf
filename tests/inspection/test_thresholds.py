"""Limits from normal images keep their promise: shown by trying it many times over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import binom

from inspection.calibration.intervals import upper_bound_of_rate
from inspection.calibration.thresholds import CalibrationTarget, Limits, needed_image_count, set_limits
from inspection.errors import CalibrationError

TRIAL_COUNT = 1500
# A sound promise fails this test once in a billion sets of seeds (and these seeds are fixed).
CHANCE_OF_FALSE_ALARM = 1e-9


def flagged_shares(image_count: int, target: CalibrationTarget) -> tuple[np.ndarray, float]:
    """The true share of good parts above the pass limit in many calibrations, and the bound promised each time.

    Scores are uniform, so the share above a limit is one minus the limit; order statistics know no distribution.
    """
    rng = np.random.default_rng(image_count)
    shares, bounds = [], set()
    for _ in range(TRIAL_COUNT):
        limits, promise = set_limits(rng.random(image_count), target)
        shares.append(1.0 - limits.pass_limit)
        bounds.add(promise.flagged_rate_bound)
    assert len(bounds) == 1
    return np.array(shares), bounds.pop()


@pytest.mark.parametrize(
    ("image_count", "rate", "confidence"),
    [(5, 0.01, 0.95), (60, 0.01, 0.95), (299, 0.01, 0.95), (200, 0.05, 0.9), (120, 0.1, 0.5)],
)
def test_the_promise_is_kept_at_its_confidence(image_count: int, rate: float, confidence: float) -> None:
    target = CalibrationTarget(flagged_rate=rate, confidence=confidence)
    shares, bound = flagged_shares(image_count, target)
    kept_count = int((shares <= bound).sum())
    fewest = binom.ppf(CHANCE_OF_FALSE_ALARM, TRIAL_COUNT, confidence)
    most = binom.isf(CHANCE_OF_FALSE_ALARM, TRIAL_COUNT, confidence)
    # Not only kept but exact: a bound that is kept too often flags good parts for nothing.
    assert fewest <= kept_count <= most


def test_this_trial_would_notice_a_promise_that_is_one_image_too_bold() -> None:
    target = CalibrationTarget(flagged_rate=0.05, confidence=0.9)
    shares, bound = flagged_shares(200, target)
    flagged = next(k for k in range(200) if upper_bound_of_rate(k, 200, 0.9) == bound)
    bold = upper_bound_of_rate(flagged - 1, 200, 0.9)
    assert int((shares <= bold).sum()) < binom.ppf(CHANCE_OF_FALSE_ALARM, TRIAL_COUNT, 0.9)


def test_the_promise_holds_for_any_distribution_of_scores() -> None:
    rng = np.random.default_rng(3)
    uniform = rng.random(250)
    target = CalibrationTarget(flagged_rate=0.05, confidence=0.9)
    plain, plain_promise = set_limits(uniform, target)
    bent, bent_promise = set_limits(np.exp(4 * uniform), target)
    assert bent.pass_limit == pytest.approx(np.exp(4 * plain.pass_limit))
    assert bent_promise == plain_promise


def test_299_images_for_one_percent_at_95() -> None:
    target = CalibrationTarget(flagged_rate=0.01, confidence=0.95)
    assert needed_image_count(target) == 299
    scores = np.random.default_rng(0).random(299)
    assert set_limits(scores, target)[1].is_kept
    assert not set_limits(scores[:298], target)[1].is_kept


@settings(max_examples=200, deadline=None)
@given(st.floats(0.001, 0.5), st.floats(0.5, 0.999))
def test_needed_images_are_the_fewest_that_keep_the_target(rate: float, confidence: float) -> None:
    needed = needed_image_count(CalibrationTarget(flagged_rate=rate, confidence=confidence))
    slack = 1 + 1e-9
    assert upper_bound_of_rate(0, needed, confidence) <= rate * slack
    if needed > 1:
        assert upper_bound_of_rate(0, needed - 1, confidence) * slack >= rate


@settings(max_examples=100, deadline=None)
@given(st.integers(5, 600), st.floats(0.005, 0.3), st.floats(0.5, 0.99), st.integers(0, 2**32 - 1))
def test_the_pass_limit_is_the_lowest_that_meets_the_target(
    count: int, rate: float, confidence: float, seed: int
) -> None:
    scores = np.random.default_rng(seed).normal(size=count)
    limits, promise = set_limits(scores, CalibrationTarget(flagged_rate=rate, confidence=confidence))
    flagged = int((scores > limits.pass_limit).sum())
    assert promise.flagged_rate_bound == upper_bound_of_rate(flagged, count, confidence)
    assert promise.image_count == count
    if promise.is_kept:
        assert upper_bound_of_rate(flagged + 1, count, confidence) > rate
    else:
        assert flagged == 0
    assert limits.fail_limit > limits.pass_limit


def test_ties_flag_fewer_never_more() -> None:
    limits, promise = set_limits(np.repeat(np.arange(10.0), 30), CalibrationTarget(flagged_rate=0.05, confidence=0.9))
    assert limits.pass_limit == 9.0
    assert promise.is_kept


def test_the_order_of_the_images_makes_no_difference() -> None:
    scores = np.random.default_rng(0).random(80)
    assert set_limits(scores, CalibrationTarget()) == set_limits(scores[::-1], CalibrationTarget())


def test_the_fail_limit_is_as_far_above_the_pass_limit_as_that_above_the_median() -> None:
    limits, _ = set_limits(np.array([1.0, 2, 3, 4, 7]), CalibrationTarget())
    assert (limits.pass_limit, limits.fail_limit) == (7.0, 11.0)


@pytest.mark.parametrize("value", [0.0, 5.0, -5.0])
def test_scores_that_are_all_alike_leave_a_hold_band(value: float) -> None:
    limits, _ = set_limits(np.full(20, value), CalibrationTarget())
    assert limits.pass_limit == value
    assert limits.fail_limit > limits.pass_limit


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_images(count: int) -> None:
    with pytest.raises(CalibrationError, match=f"{count} calibration images: give at least 5"):
        set_limits(np.ones(count), CalibrationTarget())


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers(wrong: float) -> None:
    with pytest.raises(CalibrationError, match="not finite"):
        set_limits(np.array([1.0, 2, 3, 4, 5, wrong]), CalibrationTarget())


@pytest.mark.parametrize(
    ("pass_limit", "fail_limit"),
    [(1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0), (0.0, float("nan")), (0.0, float("inf"))],
)
def test_limits_that_would_let_everything_pass_are_refused(pass_limit: float, fail_limit: float) -> None:
    with pytest.raises(ValidationError):
        Limits(pass_limit=pass_limit, fail_limit=fail_limit)
