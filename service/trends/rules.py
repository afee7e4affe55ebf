"""Rules that mark what is out of control, on points in standard deviations from the centre.

From the Western Electric handbook (1956) with the lengths of Nelson (Journal of Quality Technology 16, 1984).
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise


class Rule(StrEnum):
    """Why a point is marked; each needs the points before it, and marks the last of them."""

    BEYOND = "beyond_limits"
    """One point beyond three deviations."""
    TWO_OF_THREE = "two_of_three"
    """Two of three beyond two deviations on the same side."""
    FOUR_OF_FIVE = "four_of_five"
    """Four of five beyond one deviation on the same side."""
    ONE_SIDE = "nine_on_one_side"
    """Nine in a row on the same side of the centre."""
    TREND = "six_rising_or_falling"
    """Six in a row, each higher or each lower than the one before."""


_LONGEST = 9
"""Points that the rule of the longest run looks at."""


def broken_rules(deviations: Sequence[float]) -> list[tuple[Rule, ...]]:
    """For each point, in order of time, the rules it breaks together with those before it."""
    return [
        tuple(rule for rule, breaks in _RULES.items() if breaks(deviations[max(place + 1 - _LONGEST, 0) : place + 1]))
        for place in range(len(deviations))
    ]


def _several_beyond(seen: Sequence[float], *, among: int, least: int, distance: float) -> bool:
    latest = seen[-among:]
    # The last point has to be one of them: else the same points would mark the ones after them too.
    return any(
        side * seen[-1] > distance and sum(side * value > distance for value in latest) >= least for side in (1, -1)
    )


def _on_one_side(seen: Sequence[float]) -> bool:
    latest = seen[-_LONGEST:]
    return len(latest) == _LONGEST and (all(value > 0 for value in latest) or all(value < 0 for value in latest))


def _rises_or_falls(seen: Sequence[float]) -> bool:
    latest = seen[-6:]
    steps = [later - earlier for earlier, later in pairwise(latest)]
    return len(latest) == 6 and (all(step > 0 for step in steps) or all(step < 0 for step in steps))


_RULES: dict[Rule, Callable[[Sequence[float]], bool]] = {
    Rule.BEYOND: lambda seen: abs(seen[-1]) > 3,
    Rule.TWO_OF_THREE: lambda seen: _several_beyond(seen, among=3, least=2, distance=2),
    Rule.FOUR_OF_FIVE: lambda seen: _several_beyond(seen, among=5, least=4, distance=1),
    Rule.ONE_SIDE: _on_one_side,
    Rule.TREND: _rises_or_falls,
}
