"""The schedule: a rise, then half a cosine, by steps or by time."""

from __future__ import annotations

import math

import pytest

from pretrain.training.schedule import Progress, Schedule


def rates(schedule: Schedule, steps: int) -> list[float]:
    return [schedule.rate_factor(Progress(step)) for step in range(steps)]


def test_the_rate_rises_then_falls_along_half_a_cosine() -> None:
    got = rates(Schedule(100, None, 0.1), 100)
    assert got[1:10] == pytest.approx([k / 10 for k in range(1, 10)])
    assert got[10] == 1.0
    assert got[10:] == pytest.approx([0.5 * (1 + math.cos(math.pi * (k - 10) / 90)) for k in range(10, 100)])
    assert got[10:] == sorted(got[10:], reverse=True)
    assert 0 < got[-1] < 1e-3


def test_the_first_step_moves_too() -> None:
    assert rates(Schedule(100, None, 0.1), 1) == [0.02]
    assert Schedule(1, None, 0.05).rate_factor(Progress()) == 0.02


@pytest.mark.parametrize(("warm_up", "expected"), [(0.0, 1.0), (1.0, 0.02)])
def test_a_schedule_may_lack_either_part(warm_up: float, expected: float) -> None:
    schedule = Schedule(10, None, warm_up)
    got = rates(schedule, 10)
    assert got[0] == expected
    assert all(0 < rate <= 1 for rate in got)
    assert got == sorted(got, reverse=warm_up == 0)


def test_steps_end_a_run_that_has_no_minutes() -> None:
    schedule = Schedule(8, None, 0.1)
    assert [schedule.share_done(Progress(step, elapsed_s=1e9)) for step in (0, 2, 8, 9)] == [0, 0.25, 1, 1]


def test_minutes_end_a_run_whatever_its_steps() -> None:
    schedule = Schedule(8, 2.0, 0.1)
    assert [schedule.share_done(Progress(10**6, elapsed_s)) for elapsed_s in (0, 30, 120, 130)] == [0, 0.25, 1, 1]
    assert schedule.rate_factor(Progress(5, 12.0)) == 1.0


def test_a_timed_run_may_be_held_to_a_number_of_steps() -> None:
    schedule = Schedule(8, 2.0, 0.1, most_steps=100)
    # Whichever is nearer to its end leads, so that the rate still falls to nothing.
    assert schedule.share_done(Progress(50, elapsed_s=1.0)) == 0.5
    assert schedule.share_done(Progress(10, elapsed_s=60.0)) == 0.5
    assert schedule.share_done(Progress(100, elapsed_s=1.0)) == 1
    assert schedule.share_done(Progress(10, elapsed_s=120.0)) == 1
    assert Schedule(8, None, 0.1, most_steps=4).share_done(Progress(4)) == 0.5
