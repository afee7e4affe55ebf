"""The promise holds: by simulation, on skewed scores, with lots that differ; and what moves is noticed, and named."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import norm, t

from service.drift.blocks import BLOCK_PARTS, ScoredPart, StationState
from service.drift.evidence import MONTH_S, Evidence, Spread, Values, surprise
from service.drift.tables import DriftKind

START = datetime(2026, 11, 1, tzinfo=UTC)
_LOT_PARTS, _PARTS = 200, 6000


def parts_of(
    rng: np.random.Generator, count: int = _PARTS, *, lot_parts: int = _LOT_PARTS, lot_spread: float = 0.15
) -> tuple[np.ndarray, np.ndarray]:
    """(local scores, global scores) of a station at peace: skewed, a few defects, every lot with a level of its own."""
    lots = np.repeat(rng.normal(0, lot_spread, (count // lot_parts + 1, 2)), lot_parts, axis=0)[:count]
    local_scores = np.exp(lots[:, 0]) * rng.gamma(4.0, 0.05, count)
    local_scores[rng.random(count) < 0.03] += 1.0
    return local_scores, np.exp(lots[:, 1]) * rng.lognormal(-2.0, 0.2, count)


def first_alarm(
    local_scores: np.ndarray, global_scores: np.ndarray, *, rate: float, lot_parts: int = _LOT_PARTS
) -> tuple[DriftKind, int, int] | None:
    """(which, noticed at part, since part) of the first alarm; parts come evenly over that many days."""
    state = StationState()
    step = timedelta(days=30) / len(local_scores)
    parts = (
        ScoredPart(number, START + number * step, f"L{number // lot_parts}", float(one), float(other))
        for number, (one, other) in enumerate(zip(local_scores, global_scores, strict=True))
    )
    for block, reached in state.take(parts, rate=rate):
        for kind in reached:
            since = state.evidence(kind).since_id
            assert since is not None
            return kind, block.last_id, since
    return None


@pytest.mark.parametrize("rate", [0.5, 0.1])
def test_false_alarms_of_a_month_stay_below_what_was_promised(rate: float) -> None:
    stations = 60
    alarms = sum(
        first_alarm(*parts_of(np.random.default_rng([3, seed]), 4000), rate=rate) is not None
        for seed in range(stations)
    )
    # Far more than the promise would be a fault: 0.1 % of correct programs fail here.
    assert alarms <= stations * rate + 3.1 * math.sqrt(stations * rate * (1 - rate))


def test_the_bound_holds_for_the_evidence_itself() -> None:
    """Standard normal values of lots that differ, two thousand months: at most the rate, not about it."""
    rate, months, blocks = 0.2, 2000, 60
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(months):
        evidence = Evidence()
        values = rng.normal(0, 1, blocks) + np.repeat(rng.normal(0, 2, blocks // 6), 6)
        alarms += any(
            evidence.add(float(value), lot=str(number // 6), first_id=number, budget=rate / blocks)
            for number, value in enumerate(values)
        )
    assert alarms / months <= rate


@pytest.mark.parametrize(
    ("local_factor", "global_factor", "expected"),
    [(1.0, 1.6, DriftKind.GLOBAL), (1.0, 0.6, DriftKind.GLOBAL), (1.8, 1.0, DriftKind.LOCAL)],
)
def test_what_moves_at_once_is_named_with_the_part(
    local_factor: float, global_factor: float, expected: DriftKind
) -> None:
    local_scores, global_scores = parts_of(np.random.default_rng(7))
    begin = 4090
    local_scores[begin:] *= local_factor
    global_scores[begin:] *= global_factor
    found = first_alarm(local_scores, global_scores, rate=0.1)
    assert found is not None
    kind, noticed, since = found
    assert kind is expected
    assert noticed - begin <= 8 * BLOCK_PARTS
    assert abs(since - begin) <= 2 * BLOCK_PARTS


def test_what_ages_slowly_is_noticed_too() -> None:
    local_scores, global_scores = parts_of(np.random.default_rng(10), lot_parts=60)
    begin = 2000
    global_scores[begin:] *= np.exp(np.linspace(0, 0.8, len(global_scores) - begin))
    found = first_alarm(local_scores, global_scores, rate=0.1, lot_parts=60)
    assert found is not None
    assert found[0] is DriftKind.GLOBAL
    assert found[1] > begin


def test_a_lot_like_other_lots_is_no_drift_and_one_like_none_is() -> None:
    for strange, expected in ((0.3, False), (3.0, True)):
        local_scores, global_scores = parts_of(np.random.default_rng(11))
        local_scores[-_LOT_PARTS:] *= math.exp(strange)
        assert (first_alarm(local_scores, global_scores, rate=0.1) is not None) is expected


def test_normal_scores_are_those_of_the_t_distribution() -> None:
    spread, values = Spread(), Values()
    sample = [1.0, 2.5, 2.0, 4.0, 3.0, 2.2]
    for value in sample:
        values.compare(value, spread)
    residual = (5.0 - np.mean(sample)) / math.sqrt(1 + 1 / 6)
    # The sum of squared recursive residuals is that of the deviations from the mean.
    assert spread.squares == pytest.approx(float(np.sum((sample - np.mean(sample)) ** 2)))
    assert values.compare(5.0, spread) == pytest.approx(norm.ppf(t.cdf(residual / np.std(sample, ddof=1), 5)))


def test_a_bet_on_surprise_is_fair() -> None:
    grid = np.linspace(-9, 9, 20001)
    paid = np.array([surprise(float(z)) for z in grid]) * norm.pdf(grid)
    # What lies beyond nine deviations pays the rest: 1 / -ln p of it.
    assert np.trapezoid(paid, grid) + 1 / -math.log(math.erfc(9 / math.sqrt(2))) == pytest.approx(1.0, abs=0.01)


def test_what_is_kept_comes_back_as_it_was() -> None:
    local_scores, global_scores = parts_of(np.random.default_rng(1), 500)
    parts = [
        ScoredPart(number, START + timedelta(minutes=number), f"L{number // 100}", float(one), float(other))
        for number, (one, other) in enumerate(zip(local_scores, global_scores, strict=True))
    ]
    whole, halved = StationState(), StationState()
    expected = list(whole.take(parts, rate=0.1))
    found = list(halved.take(parts[:237], rate=0.1))
    halved = StationState.from_json(halved.to_json())
    found += list(halved.take(parts[237:], rate=0.1))
    assert found == expected
    assert halved == whole


def test_parts_without_a_lot_belong_to_their_day() -> None:
    state = StationState()
    parts = [ScoredPart(n, START + timedelta(hours=n), None, 0.1, 0.1) for n in range(60)]
    blocks = [block for block, _ in state.take(parts, rate=0.1)]
    assert [(block.lot, block.first_id, block.last_id) for block in blocks] == [
        ("2026-11-01", 0, 19),
        ("2026-11-02", 24, 43),
        ("2026-11-03", 48, 59),
    ][: len(blocks)]
    assert len(blocks) == 2
    assert MONTH_S == 2_592_000
