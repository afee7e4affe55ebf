"""The paired tests against enumeration, simulation and the rule of three."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multinomial

from inspection.calibration.paired import (
    MOST_PARTS,
    difference_bound,
    needed_count,
    noninferiority_p_value,
    rise_p_value,
)


def tango_score(lost: int, gained: int, count: int, margin: float) -> float:
    """By a search for the most likely gain rate instead of its closed form."""
    low, high = max(0.0, -margin) + 1e-12, (1 - margin) / 2 - 1e-12
    rates = np.linspace(low, high, 200_001)
    with np.errstate(divide="ignore"):
        likelihood = np.log(1 - 2 * rates - margin) * (count - lost - gained)
        likelihood += (lost and lost * np.log(rates + margin)) + (gained and gained * np.log(rates))
    rate = rates[likelihood.argmax()]
    return (lost - gained - count * margin) / np.sqrt(count * (2 * rate + margin * (1 - margin)))


def enumerated_p_value(lost: int, gained: int, count: int, margin: float) -> float:
    """Every outcome by itself, on a fine grid of rates."""
    outcomes = np.array([(a, b) for a in range(count + 1) for b in range(count + 1 - a)])
    scores = np.array([tango_score(a, b, count, margin) for a, b in outcomes])
    extreme = outcomes[scores <= tango_score(lost, gained, count, margin) + 1e-6]
    cells = np.column_stack([extreme, count - extreme.sum(axis=1)])
    rates = np.linspace(max(0.0, -margin), (1 - margin) / 2, 300)
    return max(
        float(multinomial.pmf(cells, count, [rate + margin, rate, max(1 - 2 * rate - margin, 0.0)]).sum())
        for rate in rates
    )


@pytest.mark.parametrize(
    ("lost", "gained", "count", "margin"), [(0, 0, 10, 0.1), (1, 2, 12, 0.15), (0, 4, 12, -0.1), (3, 1, 10, 0.3)]
)
def test_p_value_is_the_enumerated_one(lost: int, gained: int, count: int, margin: float) -> None:
    expected = enumerated_p_value(lost, gained, count, margin)
    assert noninferiority_p_value(lost, gained, count, margin) == pytest.approx(expected, abs=2e-3)


def test_without_any_difference_the_rule_of_three_holds() -> None:
    assert noninferiority_p_value(0, 0, 58, 0.05) > 0.05
    assert noninferiority_p_value(0, 0, 59, 0.05) <= 0.05
    assert needed_count(0, 0, 10, 0.05) == 59
    assert needed_count(0, 0, 0, 0.01) == 299
    assert difference_bound(0, 0, 299) == pytest.approx(0.01, abs=2e-4)


def test_of_models_worse_by_the_margin_few_pass() -> None:
    rng = np.random.default_rng(0)
    for gain_rate in (0.0, 0.03, 0.1):
        rates = [gain_rate + 0.05, gain_rate, 1 - 2 * gain_rate - 0.05]
        drawn = rng.multinomial(100, rates, size=2000)
        passed = [noninferiority_p_value(int(lost), int(gained), 100, 0.05) <= 0.05 for lost, gained, _ in drawn]
        assert np.mean(passed) < 0.065


def test_gains_speak_for_and_losses_against() -> None:
    by_gains = [noninferiority_p_value(1, gained, 60, 0.05) for gained in range(5)]
    by_losses = [noninferiority_p_value(lost, 2, 60, 0.05) for lost in range(5)]
    assert by_gains == sorted(by_gains, reverse=True)
    assert by_losses == sorted(by_losses)


def test_the_bound_lies_above_what_was_seen_and_shrinks_with_parts() -> None:
    bounds = [difference_bound(count // 50, count // 50, count) for count in (50, 100, 200, 400)]
    assert bounds == sorted(bounds, reverse=True)
    assert all(bound > 0 for bound in bounds)
    assert difference_bound(0, 8, 40) < 0
    assert difference_bound(4, 0, 40) > 0.1


def test_nothing_known_is_nothing_promised() -> None:
    assert noninferiority_p_value(0, 0, 0, 0.05) == 1.0
    assert difference_bound(0, 0, 0) == 1.0


def test_a_rise_is_told_by_mcnemar() -> None:
    assert rise_p_value(0, 3) == 1.0
    assert rise_p_value(5, 0) == pytest.approx(0.5**5)
    assert rise_p_value(4, 4) > 0.5


def test_a_rise_is_settled_by_no_number_of_parts() -> None:
    assert needed_count(3, 1, 60, 0.05) is None
    # An even exchange of half of all parts would take more than can be had.
    assert needed_count(250, 250, 1000, 0.01) is None
    assert MOST_PARTS == 10_000


def test_needed_parts_are_the_fewest() -> None:
    needed = needed_count(2, 2, 40, 0.05)
    assert needed is not None
    assert noninferiority_p_value(2, 2, 40, 0.05) > 0.05
    assert noninferiority_p_value(round(2 * needed / 40), round(2 * needed / 40), needed, 0.05) <= 0.05
