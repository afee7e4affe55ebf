"""Timing several functions in turns, so that whatever else the machine does falls on all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping

_WARM_UP_ROUNDS = 2


def time_in_turns(
    functions: Mapping[str, Callable[[], object]], seconds: float, least_rounds: int = 5
) -> dict[str, float]:
    """The median milliseconds of a call of each, called in turns for about `seconds` in all."""
    for _ in range(_WARM_UP_ROUNDS):
        for call in functions.values():
            call()
    took: dict[str, list[float]] = {name: [] for name in functions}
    end, rounds = time.perf_counter() + seconds, 0
    while rounds < least_rounds or time.perf_counter() < end:
        for name, call in functions.items():
            began = time.perf_counter()
            call()
            took[name].append((time.perf_counter() - began) * 1e3)
        rounds += 1
    return {name: statistics.median(times) for name, times in took.items()}
