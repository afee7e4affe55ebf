"""How long a client waits for a service that is away or busy, and how often it knocks."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from service.client.errors import NoVerdict

# 500 and 502 to 504 are also what a proxy says while the service behind it starts anew.
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WISH_S = 300.0

Failure = httpx.Response | httpx.TransportError
"""An attempt that brought no verdict but may bring one later."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Pauses grow from `first_pause_s` to `longest_pause_s`; it ends `limit_s` after the first attempt, or never."""

    limit_s: float | None = 60.0
    first_pause_s: float = 0.2
    longest_pause_s: float = 5.0


class Attempts:
    """The attempts of one post. Knows no network and does not sleep, so it serves both clients."""

    def __init__(
        self,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._chance = chance
        self._started = clock()
        self._pause_s = patience.first_pause_s

    def pause_after(self, failure: Failure) -> float:
        """Seconds to wait before the next attempt. Raises NoVerdict where patience would be over by then.

        At least what the service asks for by Retry-After, and a random part more: many cameras that lost the same
        service must not all come back in the same instant.
        """
        wished_s = _wished_pause_s(failure)
        pause_s = max(self._pause_s, wished_s) + 0.25 * self._chance() * self._pause_s
        self._pause_s = min(2 * self._pause_s, self._patience.longest_pause_s)
        waited_s, limit_s = self._clock() - self._started, self._patience.limit_s
        if limit_s is not None and waited_s + pause_s > limit_s:
            raise NoVerdict(
                f"no verdict within {limit_s:g} s ({describe(failure)})",
                "see that the service runs and is reached, then send the same trigger again",
            )
        return pause_s


def describe(failure: Failure) -> str:
    """What kept the service from answering, in a few words for a person."""
    if isinstance(failure, httpx.Response):
        return f"it answered {failure.status_code} {failure.reason_phrase}"
    if isinstance(failure, httpx.ConnectError):
        return "nothing answers at its address"
    if isinstance(failure, httpx.TimeoutException):
        return "it did not answer in time"
    return f"the connection broke: {type(failure).__name__}"


def _wished_pause_s(failure: Failure) -> float:
    """Retry-After in seconds (RFC 9110, section 10.2.3: a number or a date); 0 where there is none to be read."""
    wish = failure.headers.get("retry-after", "") if isinstance(failure, httpx.Response) else ""
    if wish.isascii() and wish.isdecimal():
        return min(float(wish), _LONGEST_WISH_S)
    try:
        moment = parsedate_to_datetime(wish)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_WISH_S)
