"""Go, no-go and need-more-pictures follow from the interval, the promise and the goal."""

from __future__ import annotations

import pytest

from distill.poc.curve import Point, enough
from distill.poc.decision import Answer, decide, parts_to_prove, parts_to_tell
from distill.poc.figures import Figures
from distill.poc.plant import Goals, Plant, VerdictRates, cost_per_shift
from inspection.bundle.manifest import Calibration
from inspection.calibration.intervals import upper_bound_of_rate
from inspection.calibration.thresholds import Promise

GOALS = Goals(escape_rate=0.1, flagged_rate=0.1)


def calibration(count: int) -> Calibration:
    promise = Promise(
        flagged_rate_bound=upper_bound_of_rate(0, count, 0.975),
        confidence=0.975,
        image_count=count,
        target_rate=0.005,
        needed_image_count=736,
    )
    return Calibration(
        split="by lot", warning=None, images_sha256="", image_count=count, local_promise=promise, global_promise=promise
    )


def measured(value: float, low: float, high: float) -> Figures:
    name = "escape_rate_at_overkill_5pct"
    return {name: value, f"{name}_interval": (low, high)}


@pytest.mark.parametrize(
    ("figures", "count", "answer", "words"),
    [
        (measured(0.02, 0.0, 0.06), 200, Answer.GO, "2.0% of 50 defective parts escape at 5 % overkill"),
        (measured(0.3, 0.2, 0.4), 200, Answer.NO_GO, "even the favourable end misses it"),
        (measured(0.08, 0.03, 0.2), 200, Answer.NEED_MORE, "which lies within the interval. About"),
        (measured(0.02, 0.0, 0.06), 20, Answer.NEED_MORE, "needs 72 held out, about 288 unlabeled pictures in all"),
        (None, 200, Answer.NEED_MORE, "Put at least 29 defective ones below test/"),
        ({"escape_rate_at_overkill_5pct": None, "escape_rate_at_overkill_5pct_interval": None}, 200,
         Answer.NEED_MORE, "how many defective parts escape is not measured"),
    ],
)  # fmt: skip
def test_the_answer_and_its_reason(figures: Figures | None, count: int, answer: Answer, words: str) -> None:
    decision = decide(figures, calibration(count), GOALS, 50)
    assert decision.answer is answer
    assert words in decision.reason


def test_the_wished_numbers_of_parts_do_what_is_said_of_them() -> None:
    # None missed among so many: the exact upper bound is just below the rate.
    for rate in (0.01, 0.05, 0.1):
        needed = parts_to_prove(rate)
        assert upper_bound_of_rate(0, needed, 0.95) <= rate < upper_bound_of_rate(0, needed - 1, 0.95)
    assert parts_to_tell(0.08, 0.1) > parts_to_tell(0.02, 0.1)


def test_a_shifts_cost_by_hand() -> None:
    plant = Plant(
        parts_per_shift=1000, defect_rate=0.01, escape_cost=100, overkill_cost=3, review_s=36, wage_per_hour=50
    )
    rates = VerdictRates(good_failed=0.1, good_held=0.2, defective_passed=0.3, defective_held=0.4)
    costs = cost_per_shift(plant, rates)
    # 10 defective parts, 990 good ones; a look takes 36 s and costs 0.50.
    assert costs["escapes"] == pytest.approx(3 * 100)
    assert costs["overkill"] == pytest.approx(99 * 3)
    assert costs["review"] == pytest.approx((198 + 4) * 0.5)
    assert costs["inspected"] == pytest.approx(300 + 297 + 101)
    assert (costs["unseen"], costs["by_eye"]) == (pytest.approx(1000), pytest.approx(500))


def point(count: int, auroc: float | None, flaws: float = 0.5, low: float | None = None) -> Point:
    return Point(count / 100, count, auroc, None if low is None else (low, 1.0), flaws)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([point(10, 0.7), point(30, 0.895), point(100, 0.9)], "30 images were enough: on real defects"),
        ([point(10, 0.7), point(100, 0.9)], "All 100 images did best on real defects; more may do better still."),
        ([point(10, 0.7), point(30, 0.85), point(100, 0.9, low=0.8)], "30 may have been enough: their figure lies"),
        ([point(10, None, 0.9), point(100, None, 0.9)], "10 images were enough: on synthetic flaws on held-out"),
        ([point(100, 0.9)], "Too few images for a learning curve."),
    ],
)
def test_how_many_were_enough(points: list[Point], words: str) -> None:
    assert words in enough(points)
