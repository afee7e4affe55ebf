"""Whoever is told of verdicts: what a sender needs to know of them, and how they say no."""

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from service.factory.schemas import AnnouncementRequest, VerdictMessage

Announce = Callable[[AnnouncementRequest], Awaitable[None]]
"""Where a receiver hands on what it hears from the line."""


class NotTakenError(Exception):
    """A message that was not taken. It is sent again: nothing is left out, and nothing overtakes it at its station.

    `is_of_message` where the receiver answers but refuses this one: other stations go on.
    """

    def __init__(self, failure: str, *, is_of_message: bool = False) -> None:
        super().__init__(failure)
        self.failure = failure
        self.is_of_message = is_of_message


class Receiver(Protocol):
    """One of those that the factory file names."""

    @property
    def name(self) -> str:
        """Its own name in that file."""

    def wants(self, station: str) -> bool:
        """Is it told of that station?"""

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Reach it, and let go at the end. Raises NotTakenError."""

    async def deliver(self, message: VerdictMessage) -> bool:
        """Whether it has the message for good; False where it has not said so yet. Raises NotTakenError."""


@dataclass(slots=True)
class Pauses:
    """How long to wait after a failure: twice as long each time, of which a random part is left out.

    Many senders that lost the same receiver must not all come back in the same instant (Brooker, "Exponential backoff
    and jitter", AWS architecture blog, 2015).
    """

    first_s: float = 0.5
    longest_s: float = 60.0
    chance: Callable[[], float] = random.random
    _next_s: float = 0.0

    def after_failure(self) -> float:
        """Seconds: between half and all of the present pause."""
        self._next_s = min(max(2 * self._next_s, self.first_s), self.longest_s)
        return self._next_s * (0.5 + 0.5 * self.chance())

    def after_success(self) -> None:
        """The next failure is a first one."""
        self._next_s = 0.0
