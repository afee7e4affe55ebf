"""Parts that fail one after another by the view: seen within a few, and hardly ever without a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from service.drift.blocks import ScoredPart, StationState
from service.drift.tables import DriftKind
from service.drift.view_fails import USUAL, ViewFails

START = datetime(2026, 11, 1, 6, tzinfo=UTC)


def part(number: int, *, is_beyond: bool) -> ScoredPart:
    return ScoredPart(number, START + timedelta(minutes=number), "L-1", 1.0 + number % 3 / 10, 1.0, is_beyond)


def test_a_view_that_fails_every_part_is_seen_within_a_few() -> None:
    state = StationState()
    usual = [part(number, is_beyond=False) for number in range(200)]
    moved = [part(number, is_beyond=True) for number in range(200, 230)]
    assert all(not reached for _, reached in state.take(usual, rate=0.1))
    found = [(block, reached) for block, reached in state.take(moved, rate=0.1) if reached]
    first, reached = found[0]
    assert reached == [DriftKind.GLOBAL]
    assert first.last_id < 212
    assert state.since_id(DriftKind.GLOBAL) == 200


def test_as_many_defects_as_may_be_are_no_alarm_more_often_than_promised() -> None:
    rng = np.random.default_rng(4)
    rate, months, parts_a_month = 0.5, 150, 3000
    step = timedelta(days=30) / parts_a_month
    alarms = 0
    for _ in range(months):
        watched = ViewFails()
        beyond = rng.random(parts_a_month) < USUAL
        alarms += any(
            watched.add(is_beyond=bool(one), inspection_id=number, at=START + number * step, rate=rate)
            for number, one in enumerate(beyond)
        )
    assert alarms / months <= rate


def test_what_an_earlier_version_kept_is_read() -> None:
    state = StationState()
    list(state.take([part(number, is_beyond=number % 5 == 0) for number in range(30)], rate=0.1))
    stored = state.to_json()
    assert StationState.from_json(stored) == state
    del stored["view_fails"]
    assert StationState.from_json(stored).view_fails == ViewFails()
