"""What became of a piece of work, for threads that must report a failure and go on."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import TypeVar

Answer = TypeVar("Answer")


class Outcome:
    """A block whose failure is kept and not raised, whatever it is: SystemExit too ends only the work at hand."""

    failure: BaseException | None = None

    def __enter__(self) -> "Outcome":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, failure: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        self.failure = failure
        return True


def settle(answer: asyncio.Future[Answer], outcome: Answer | BaseException) -> None:
    """Answer who waits on an event loop, from any thread. The first answer counts."""
    # A loop that has ended has nobody who waits.
    with suppress(RuntimeError):
        answer.get_loop().call_soon_threadsafe(_settle, answer, outcome)


def _settle(answer: asyncio.Future[Answer], outcome: Answer | BaseException) -> None:
    if answer.done():
        return
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
