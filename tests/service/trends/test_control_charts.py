"""Control charts and rules: what they mark, and how rarely they mark what is in order."""

from __future__ import annotations

import numpy as np
import pytest

from service.trends.control_charts import BASELINE_COUNT, Subgroup, chart_means, chart_shares
from service.trends.rules import Rule, broken_rules


@pytest.mark.parametrize(
    ("deviations", "rule"),
    [
        ([0.0, 3.1], Rule.BEYOND),
        ([0.0, -3.1], Rule.BEYOND),
        ([2.1, 0.0, 2.1], Rule.TWO_OF_THREE),
        ([1.1, 1.2, -0.5, 1.3, 1.1], Rule.FOUR_OF_FIVE),
        ([-0.5, -0.2] * 4 + [-0.1], Rule.ONE_SIDE),
        ([-0.9, -0.5, -0.2, 0.1, 0.3, 0.6], Rule.TREND),
        ([0.9, 0.5, 0.2, -0.1, -0.3, -0.6], Rule.TREND),
    ],
)
def test_each_rule_marks_the_point_that_completes_it(deviations: list[float], rule: Rule) -> None:
    found = broken_rules(deviations)
    assert found[-1] == (rule,)
    assert all(rule not in broken for broken in found[:-1])


@pytest.mark.parametrize(
    "deviations",
    [
        [2.9, -2.9],
        [2.1, -2.1, 1.9],
        [2.1, 2.1, 0.1][::-1][:2],
        [1.1, 1.2, -0.5, -1.3, 1.1],
        [0.5, 0.2] * 4,
        [-0.9, -0.5, -0.2, 0.1, 0.3],
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
    ],
)
def test_what_breaks_no_rule(deviations: list[float]) -> None:
    assert all(not broken for broken in broken_rules(deviations))


def test_a_p_chart_by_hand() -> None:
    hits, totals = [4, 6] * 10 + [30], [100] * 21
    points = chart_shares(hits, totals)
    centre = 100.5 / 2001
    # Neighbours differ by less than chance says: the limits are those of chance.
    limit = 3 * (centre * (1 - centre) / 100) ** 0.5
    assert points[0].centre == pytest.approx(centre)
    # One that is reached by chance as rarely as three deviations are: 13 of 100, where 5 are expected.
    assert points[0].upper == pytest.approx(0.13)
    assert points[0].upper > centre + limit
    assert points[0].lower == 0.0
    assert [point.is_baseline for point in points] == [True] * 20 + [False]
    assert Rule.BEYOND in points[-1].rules
    assert all(point.rules == () for point in points[:-1])


def test_limits_widen_where_the_baseline_itself_varies() -> None:
    calm = chart_shares([500, 520] * 10, [10_000] * 20)
    wild = chart_shares([300, 700] * 10, [10_000] * 20)
    assert wild[0].upper is not None
    assert calm[0].upper is not None
    assert wild[0].upper - 0.05 > 3 * (calm[0].upper - 0.05)
    assert all(Rule.BEYOND not in point.rules for point in wild)


def test_a_line_in_order_is_rarely_marked() -> None:
    chance = np.random.default_rng(2)
    marked = 0
    for _ in range(40):
        totals = chance.integers(200, 900, 60)
        hits = chance.binomial(totals, 0.04)
        marked += sum(Rule.BEYOND in point.rules for point in chart_shares(list(hits), list(totals)))
    assert marked < 0.02 * 40 * 60


def test_a_score_that_creeps_is_marked_before_it_is_beyond_by_itself() -> None:
    chance = np.random.default_rng(3)
    means = [1.0 + float(chance.normal(0, 0.1)) for _ in range(BASELINE_COUNT)]
    creeping = [1.0 + 0.15 + float(chance.normal(0, 0.05)) for _ in range(20)]
    points = chart_means([Subgroup(100, mean, 1.0) for mean in (*means, *creeping)])
    assert all(not point.rules for point in points[:BASELINE_COUNT])
    first = next(place for place, point in enumerate(points) if point.rules)
    assert BASELINE_COUNT < first < BASELINE_COUNT + 15
    assert max(creeping) < 1.0 + 3 * 0.1


def test_the_weighted_means_limits_settle_where_theory_has_them() -> None:
    points = chart_means([Subgroup(100, 1.0, 1.0)] * 60)
    settled = 3 * (1 / 100) ** 0.5 * (0.2 / (2 - 0.2)) ** 0.5
    assert points[-1].upper == pytest.approx(1.0 + settled, rel=1e-6)
    assert points[0].upper == pytest.approx(1.0 + 3 * 0.2 * 0.1)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_without_a_baseline_there_are_no_limits(count: int) -> None:
    shares = chart_shares([1] * count, [10] * count)
    means = chart_means([Subgroup(10, 0.5, 0.01)] * count)
    assert [point.value for point in shares] == [0.1] * count
    assert [point.value for point in means] == pytest.approx([0.5] * count)
    assert all(point.centre is None and not point.rules for point in (*shares, *means))


def test_a_baseline_without_any_flagged_part_does_not_mark_the_first() -> None:
    points = chart_shares([0] * 20 + [1], [1000] * 21)
    assert points[-1].rules == ()
