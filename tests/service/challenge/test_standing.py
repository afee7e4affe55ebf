"""How a station stands with its challenge parts: the rule by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from inspection.verdict import Verdict
from service.challenge.standing import Act, KnownPart, Shown, Standing, stand
from service.challenge.tables import ActKind, Expectation

START = datetime(2026, 11, 23, 6, tzinfo=UTC)
GOOD, BAD = KnownPart(1, "good", START - timedelta(days=1)), KnownPart(2, "bad", START - timedelta(days=1))


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("shown", "acts", "standing"),
    [
        ([], [], Standing.DUE),
        ([Shown(1, True, after(1))], [], Standing.DUE),
        ([Shown(1, True, after(1)), Shown(2, True, after(2))], [], Standing.PASSED),
        ([Shown(1, True, after(-9)), Shown(2, True, after(2))], [], Standing.DUE),
        ([Shown(1, True, after(1)), Shown(2, False, after(2))], [], Standing.FAILED),
        # A right answer afterwards mends nothing: an engineer has to look.
        ([Shown(1, True, after(1)), Shown(2, False, after(2)), Shown(2, True, after(3))], [], Standing.FAILED),
        ([Shown(2, False, after(2))], [Act(ActKind.RELEASE, after(3))], Standing.RELEASED),
        ([Shown(2, False, after(2))], [Act(ActKind.RELEASE, after(-3))], Standing.FAILED),
        ([Shown(2, False, after(2))], [Act(ActKind.REPEAT, after(3))], Standing.DUE),
        (
            [Shown(2, False, after(2)), Shown(1, True, after(4)), Shown(2, True, after(5))],
            [Act(ActKind.REPEAT, after(3))],
            Standing.PASSED,
        ),
        ([], [Act(ActKind.RELEASE, after(1)), Act(ActKind.REPEAT, after(2))], Standing.DUE),
    ],
)
def test_the_rule(shown: list[Shown], acts: list[Act], standing: Standing) -> None:
    found = stand([GOOD, BAD], shown, acts, START)
    assert found.standing is standing
    assert found.standing.holds == (standing in (Standing.DUE, Standing.FAILED))


def test_a_new_part_counts_from_the_next_shift_or_from_an_engineers_word() -> None:
    new = KnownPart(3, "new", after(5))
    assert stand([new], [], [], START).standing is Standing.NONE
    assert stand([new], [], [Act(ActKind.REPEAT, after(6))], START).missing == ("new",)
    assert stand([new], [], [], START + timedelta(hours=8)).standing is Standing.DUE


@pytest.mark.parametrize(
    ("expectation", "met"),
    [
        (Expectation.PASS, {Verdict.PASS}),
        (Expectation.FLAGGED, {Verdict.HOLD, Verdict.FAIL}),
        (Expectation.FAIL, {Verdict.FAIL}),
    ],
)
def test_what_an_expectation_asks(expectation: Expectation, met: set[Verdict]) -> None:
    assert {verdict for verdict in Verdict if expectation.is_met_by(verdict)} == met
