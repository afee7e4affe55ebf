"""Bounds that hold: compared with their definition, with simulated draws, and with kappa by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from service.spot_checks.rates import Drawn, Method, estimate_rate, measure_agreement

ANSWERS = ("a", "b", "c")


def test_the_sentence_of_the_promise() -> None:
    estimate = estimate_rate([Drawn(0.01, 0, 300)])
    assert estimate.rate == 0
    assert estimate.upper_bound == pytest.approx(1 - 0.05 ** (1 / 300))
    assert estimate.upper_bound < 0.01
    assert estimate.method is Method.EXACT


@pytest.mark.parametrize(("count", "total"), [(1, 20), (7, 50), (49, 50)])
def test_exact_bounds_are_where_the_binomial_says(count: int, total: int) -> None:
    estimate = estimate_rate([Drawn(0.2, count, total)])
    assert binom.cdf(count, total, estimate.upper_bound) == pytest.approx(0.05)
    assert binom.cdf(count, total, estimate.high) == pytest.approx(0.025)
    assert binom.sf(count - 1, total, estimate.low) == pytest.approx(0.025)


def test_equal_weights_in_several_groups_are_one_group() -> None:
    split = estimate_rate([Drawn(0.1, 1, 30), Drawn(0.1, 2, 70)])
    assert split == estimate_rate([Drawn(0.1, 3, 100)])


def test_nothing_drawn_promises_nothing() -> None:
    estimate = estimate_rate([Drawn(0.1, 0, 0)])
    assert (estimate.rate, estimate.low, estimate.high, estimate.upper_bound) == (None, 0.0, 1.0, 1.0)


def test_each_part_stands_for_as_many_as_its_probability_says() -> None:
    estimate = estimate_rate([Drawn(0.5, 10, 100), Drawn(0.05, 1, 100)])
    # 200 parts with 20 defective ones, and 2000 with 20.
    assert estimate.rate == pytest.approx(40 / 2200)
    assert estimate.effective_total == pytest.approx(2200**2 / (100 * 2**2 + 100 * 20**2))
    assert estimate.method is Method.WEIGHTED
    assert estimate.low < 40 / 2200 < estimate.upper_bound < estimate.high


def test_weighted_bounds_hold_as_often_as_they_say() -> None:
    chance = np.random.default_rng(5)
    defective = {0.2: 0.03, 0.04: 0.01}
    parts = {0.2: 3000, 0.04: 9000}
    truth = sum(parts[p] * defective[p] for p in parts) / sum(parts.values())
    held = 0
    for _ in range(400):
        drawn = []
        for probability, share in defective.items():
            total = int(chance.binomial(parts[probability], probability))
            drawn.append(Drawn(probability, int(chance.binomial(total, share)), total))
        held += estimate_rate(drawn).upper_bound >= truth
    assert held / 400 >= 0.94


def test_kappa_by_hand() -> None:
    pairs = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    agreement = measure_agreement(pairs, ANSWERS)
    # Cohen's own example: observed 0.70, expected 0.50.
    assert agreement.observed.rate == pytest.approx(0.7)
    assert agreement.kappa == pytest.approx(0.4)
    assert agreement.table["b"]["a"] == 10
    assert agreement.kappa_low is not None
    assert agreement.kappa_high is not None
    assert agreement.kappa_low < 0.4 < agreement.kappa_high


def test_a_few_that_agree_are_no_certainty() -> None:
    agreement = measure_agreement([("a", "a"), ("b", "b"), ("a", "a"), ("b", "b")], ANSWERS)
    assert agreement.kappa == pytest.approx(1.0)
    assert agreement.kappa_low is not None
    assert agreement.kappa_low < 0


@pytest.mark.parametrize("pairs", [[], [("a", "a")] * 9])
def test_where_chance_explains_everything_there_is_no_kappa(pairs: list[tuple[str, str]]) -> None:
    assert measure_agreement(pairs, ANSWERS).kappa is None


def test_the_interval_of_kappa_holds_as_often_as_it_says() -> None:
    chance = np.random.default_rng(11)
    # First answers half and half; the second is the same with 0.8, else the other one: kappa is 0.6.
    held = 0
    for _ in range(300):
        first = chance.integers(0, 2, 40)
        second = np.where(chance.random(40) < 0.8, first, 1 - first)
        pairs = [(ANSWERS[a], ANSWERS[b]) for a, b in zip(first, second, strict=True)]
        agreement = measure_agreement(pairs, ANSWERS)
        assert agreement.kappa_low is not None
        assert agreement.kappa_high is not None
        held += agreement.kappa_low <= 0.6 <= agreement.kappa_high
    assert held / 300 >= 0.93
