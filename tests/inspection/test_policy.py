"""Two scores and their limits to one verdict."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.calibration.policy import Thresholds, judge, score_part
from inspection.calibration.thresholds import Limits
from inspection.verdict import Reason, Verdict

THRESHOLDS = Thresholds(
    local_score=Limits(pass_limit=1.0, fail_limit=2.0), global_score=Limits(pass_limit=10.0, fail_limit=30.0)
)
RANK = {Verdict.PASS: 0, Verdict.HOLD: 1, Verdict.FAIL: 2}
SCORES = st.floats(-1e6, 1e6)


@st.composite
def any_thresholds(draw: st.DrawFn) -> Thresholds:
    """Limits of any offset and sign, with any hold band."""
    pairs = st.lists(SCORES, min_size=2, max_size=2, unique=True).map(sorted)
    local, view = (Limits(pass_limit=low, fail_limit=high) for low, high in (draw(pairs), draw(pairs)))
    return Thresholds(local_score=local, global_score=view)


@pytest.mark.parametrize(
    ("local_score", "global_score", "verdict", "reason"),
    [
        (0.5, 5.0, Verdict.PASS, Reason.NORMAL),
        (1.0, 10.0, Verdict.PASS, Reason.NORMAL),
        (1.01, 5.0, Verdict.HOLD, Reason.LOCAL_HOLD),
        (0.5, 10.1, Verdict.HOLD, Reason.GLOBAL_HOLD),
        (1.5, 20.0, Verdict.HOLD, Reason.LOCAL_HOLD),
        (2.0, 30.0, Verdict.HOLD, Reason.LOCAL_HOLD),
        (2.01, 5.0, Verdict.FAIL, Reason.LOCAL_FAIL),
        (2.01, 20.0, Verdict.FAIL, Reason.LOCAL_FAIL),
        (0.5, 30.1, Verdict.FAIL, Reason.GLOBAL_FAIL),
        (1.5, 30.1, Verdict.FAIL, Reason.GLOBAL_FAIL),
        (2.01, 30.1, Verdict.FAIL, Reason.LOCAL_FAIL),
    ],
)
def test_truth_table(local_score: float, global_score: float, verdict: Verdict, reason: Reason) -> None:
    judgement = judge(local_score, global_score, THRESHOLDS)
    assert (judgement.verdict, judgement.reason) == (verdict, reason)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("other", [0.0, 1.5, 99.0, math.nan, -math.inf])
def test_what_is_no_number_is_held(wrong: float, other: float) -> None:
    """Minus infinity lies below every limit, and must not pass for it."""
    for scores in ((wrong, other), (other, wrong)):
        judgement = judge(*scores, THRESHOLDS)
        assert (judgement.verdict, judgement.reason) == (Verdict.HOLD, Reason.INTERNAL)


@given(any_thresholds(), SCORES, SCORES, SCORES, SCORES)
def test_worse_scores_never_get_a_better_verdict(
    thresholds: Thresholds, local_score: float, global_score: float, more_local: float, more_global: float
) -> None:
    worse = max(local_score, more_local), max(global_score, more_global)
    before, after = judge(local_score, global_score, thresholds), judge(*worse, thresholds)
    assert RANK[after.verdict] >= RANK[before.verdict]
    assert score_part(*worse, thresholds) >= score_part(local_score, global_score, thresholds)


@given(any_thresholds(), SCORES, SCORES)
def test_the_part_score_is_at_most_one_for_a_pass_and_only_then(
    thresholds: Thresholds, local_score: float, global_score: float
) -> None:
    passes = judge(local_score, global_score, thresholds).verdict is Verdict.PASS
    assert (score_part(local_score, global_score, thresholds) <= 1.0) == passes


@given(any_thresholds())
def test_on_the_limit_is_within_it_and_a_hair_above_is_not(thresholds: Thresholds) -> None:
    local, view = thresholds.local_score, thresholds.global_score
    assert judge(local.pass_limit, view.pass_limit, thresholds).verdict is Verdict.PASS
    above = math.nextafter(local.pass_limit, math.inf)
    assert judge(above, view.pass_limit, thresholds).verdict is not Verdict.PASS
    assert score_part(above, view.pass_limit, thresholds) > 1.0
    assert judge(math.nextafter(local.fail_limit, math.inf), view.pass_limit, thresholds).verdict is Verdict.FAIL


def test_the_part_score_counts_hold_bands() -> None:
    assert score_part(1.5, 10.0, THRESHOLDS) == pytest.approx(1.5)
    assert score_part(1.0, 30.0, THRESHOLDS) == pytest.approx(2.0)
    assert score_part(0.0, -10.0, THRESHOLDS) == pytest.approx(0.0)


def test_no_score_is_judged_without_the_other() -> None:
    levels = {Verdict.PASS: (0.0, 0.0), Verdict.HOLD: (1.5, 20.0), Verdict.FAIL: (9.0, 99.0)}
    for first, second in product(levels, repeat=2):
        verdict = judge(levels[first][0], levels[second][1], THRESHOLDS).verdict
        assert RANK[verdict] == max(RANK[first], RANK[second])
