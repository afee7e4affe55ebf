"""The statistics behind the threshold page, against slow second derivations."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from inspection.calibration.intervals import interval_of_rate, upper_bound_of_rate
from inspection.calibration.policy import Thresholds, judge
from inspection.calibration.thresholds import Limits
from inspection.verdict import Verdict
from service.thresholds.evidence import Evidence, Scores
from service.thresholds.halves import DividedBy, choose_unit, in_judging_half
from service.thresholds.proposal import cost_of, is_enough, propose
from service.thresholds.what_if import Costs, estimate

COSTS = Costs(escape=500, overkill=10, hour=36, review_s=20, parts_per_shift=1000)


def limits_of(local: tuple[float, float], overall: tuple[float, float] = (0.5, 0.8)) -> Thresholds:
    return Thresholds(
        local_score=Limits(pass_limit=local[0], fail_limit=local[1]),
        global_score=Limits(pass_limit=overall[0], fail_limit=overall[1]),
    )


def scores_of(local: np.ndarray, overall: np.ndarray | None = None) -> Scores:
    count = len(local)
    return Scores(
        np.arange(count), local, np.full(count, 0.1) if overall is None else overall, np.zeros(count, dtype=bool)
    )


def evidence_of(seed: int, *, stream: int = 60, decided: int = 24, flagged_share: float = 0.2) -> Evidence:
    chance = np.random.default_rng(seed)
    is_defective = chance.random(decided) < 0.5
    is_defective[:5] = True
    local = np.where(is_defective, chance.normal(0.75, 0.2, decided), chance.normal(0.5, 0.15, decided)).round(2)
    return Evidence(
        stream=scores_of(chance.gamma(2.0, 0.12, stream).round(2), chance.gamma(2.0, 0.1, stream).round(2)),
        stream_truth=chance.integers(0, 3, stream).astype(np.int8),
        decided=scores_of(local, chance.gamma(2.0, 0.1, decided).round(2)),
        was_flagged=chance.random(decided) < 0.7,
        is_defective=is_defective,
        flagged_share=flagged_share,
    )


@pytest.mark.parametrize("seed", range(5))
def test_passing_and_failing_are_those_of_the_one_policy(seed: int) -> None:
    evidence, limits = evidence_of(seed), limits_of((0.3, 0.6), (0.2, 0.4))
    stream = evidence.stream
    verdicts = [judge(local, whole, limits).verdict for local, whole in zip(stream.local, stream.global_, strict=True)]
    assert list(stream.passes(limits)) == [verdict is Verdict.PASS for verdict in verdicts]
    assert list(stream.fails(limits)) == [verdict is Verdict.FAIL for verdict in verdicts]


def test_figures_by_hand() -> None:
    """10 % are flagged. Of 4 decided flagged parts 2 are defective; of 18 drawn ones that passed 1 is."""
    flagged, drawn = np.array([0.55, 0.9, 0.6, 0.7]), np.full(18, 0.2)
    evidence = Evidence(
        stream=scores_of(np.array([0.1] * 95 + [0.6] * 3 + [0.9] * 2)),
        stream_truth=np.array([0] * 99 + [2], dtype=np.int8),
        decided=scores_of(np.concatenate([flagged, drawn])),
        was_flagged=np.array([True] * 4 + [False] * 18),
        is_defective=np.array([True, True, False, False] + [False] * 17 + [True]),
        flagged_share=0.1,
    )
    found = estimate(evidence, limits_of((0.5, 0.8)), COSTS)
    assert found.escape_rate is not None
    assert found.escape_rate.value == pytest.approx((0.9 / 18) / (0.9 / 18 + 2 * 0.1 / 4))
    assert found.escapes_per_shift is not None
    assert found.escapes_per_shift.value == pytest.approx(1000 * 0.9 / 18)
    assert found.overkill_rate == pytest.approx((1 / 99, *interval_of_rate(1, 99)))
    assert found.held_share == pytest.approx((0.03, *interval_of_rate(3, 100)))
    assert found.review_min_per_shift is not None
    assert found.review_min_per_shift.value == pytest.approx(1000 * 0.03 * 20 / 60)
    assert found.cost_per_shift is not None
    assert found.cost_per_shift.value == pytest.approx(50 * 500 + 10 * 10 + 30 * 36 * 20 / 3600)
    assert found.known_escape_ids == [21]
    assert (found.part_count, found.defect_count, found.drawn_count) == (100, 3, 18)


def test_no_escape_among_many_drawn_parts_bounds_the_rate() -> None:
    count = 300
    evidence = Evidence(
        stream=scores_of(np.full(100, 0.1)),
        stream_truth=np.zeros(100, dtype=np.int8),
        decided=scores_of(np.full(count, 0.1)),
        was_flagged=np.zeros(count, dtype=bool),
        is_defective=np.zeros(count, dtype=bool),
        flagged_share=0.0,
    )
    found = estimate(evidence, limits_of((0.5, 0.8)), COSTS)
    assert found.escape_rate is None
    assert found.escapes_per_shift is not None
    assert found.escapes_per_shift.value == 0
    assert found.escapes_per_shift.high == pytest.approx(1000 * interval_of_rate(0, count)[1])
    assert found.escapes_per_shift.high > 1000 * upper_bound_of_rate(0, count)


def test_nothing_known_is_said_and_not_made_zero() -> None:
    nothing = scores_of(np.empty(0))
    none = np.empty(0, dtype=bool)
    evidence = Evidence(nothing, np.empty(0, dtype=np.int8), nothing, none, none, 0.0)
    found = estimate(evidence, limits_of((0.5, 0.8)), COSTS)
    assert (found.escape_rate, found.overkill_rate, found.held_share, found.cost_per_shift) == (None,) * 4
    assert not is_enough(evidence)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """A line whose escapes are known, looked at a few hundred times: flagged parts and drawn ones weighted."""
    chance = np.random.default_rng(5)
    defective_share, escaping = 0.04, 0.25
    truth = defective_share * escaping
    flagged_share = defective_share * (1 - escaping) + 0.06
    covered = 0
    trials = 200
    for _ in range(trials):
        flagged_bad = chance.random(80) < defective_share * (1 - escaping) / flagged_share
        drawn_bad = chance.random(250) < truth / (1 - flagged_share)
        evidence = Evidence(
            stream=scores_of(np.full(10, 0.1)),
            stream_truth=np.zeros(10, dtype=np.int8),
            decided=scores_of(np.concatenate([np.full(80, 0.9), np.full(250, 0.1)])),
            was_flagged=np.arange(330) < 80,
            is_defective=np.concatenate([flagged_bad, drawn_bad]),
            flagged_share=flagged_share,
        )
        found = estimate(evidence, limits_of((0.5, 0.8)), COSTS).escapes_per_shift
        assert found is not None
        covered += found.low <= 1000 * truth <= found.high
    assert covered >= 0.93 * trials


@pytest.mark.parametrize("seed", range(6))
def test_the_proposal_is_the_cheapest_for_each_score(seed: int) -> None:
    """Against every pair of limits between two scores, tried one by one."""
    evidence, start = evidence_of(seed, stream=20, decided=8), limits_of((0.5, 0.8))
    found = propose(evidence, start, COSTS)
    cost = cost_of(evidence, found, COSTS)
    assert cost <= cost_of(evidence, start, COSTS) + 1e-12
    for score in ("local_score", "global_score"):
        kept = evidence.stream.local if score == "local_score" else evidence.stream.global_
        others = evidence.decided.local if score == "local_score" else evidence.decided.global_
        values = np.unique(np.concatenate([kept, others]))
        ends = np.concatenate([[values[0] - 1], values, [values[-1] + 1]])
        # Two places in each gap: both limits may lie in one.
        tried = np.concatenate([ends[:-1] + part * np.diff(ends) for part in (1 / 3, 2 / 3)])
        best = min(
            cost_of(evidence, found.model_copy(update={score: Limits(pass_limit=low, fail_limit=high)}), COSTS)
            for low, high in product(tried, tried)
            if low < high
        )
        assert cost == pytest.approx(best, abs=1e-12)


def test_limits_that_are_the_cheapest_already_stay_as_they_are() -> None:
    evidence = evidence_of(3)
    found = propose(evidence, limits_of((0.5, 0.8)), COSTS)
    assert propose(evidence, found, COSTS) == found


def test_the_dearer_an_escape_the_lower_the_pass_limit() -> None:
    evidence, start = evidence_of(8, stream=400, decided=120), limits_of((0.5, 0.8))
    cheap, dear = (
        propose(evidence, start, Costs(escape, 10, 36, 20, 1000)).local_score.pass_limit for escape in (1, 50_000)
    )
    assert dear < cheap


def test_halves_are_the_same_every_day_and_about_as_large() -> None:
    names = [f"part-{number}" for number in range(2000)]
    first = in_judging_half(names)
    assert (first == in_judging_half(names)).all()
    assert 900 < first.sum() < 1100
    assert in_judging_half([]).shape == (0,)
    lots = [f"L{number // 100}" for number in range(2000)]
    of_lots = in_judging_half(lots)
    assert all(len(set(of_lots[start : start + 100])) == 1 for start in range(0, 2000, 100))


def test_lots_are_divided_where_there_are_enough_of_them() -> None:
    lots = [f"L{number}" for number in range(20)]
    assert choose_unit(lots) is DividedBy.LOT
    assert choose_unit([*lots, None]) is DividedBy.PART
    assert choose_unit(lots[:-1]) is DividedBy.PART
