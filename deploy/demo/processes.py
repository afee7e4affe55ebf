"""Child processes that never outlive the demonstration: each in a group of its own, ended with its children."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

GRACE_S = 17.0
"""A little more than the service takes at most to finish what it is doing."""
STANDARD_ERROR = 2
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A person or the machine asked the demonstration to end. Not an error, so not an Exception."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


class ProcessGroup:
    """The children of one demonstration and the signals that end it; use it as a context manager.

    Inside, SIGINT, SIGTERM and SIGHUP raise Stopped in the main thread, and on the way out every child and
    whatever it started is ended. Signals that arrive while a child is being started or ended wait for that.
    """

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._children: list[subprocess.Popen[bytes]] = []
        self._previous: dict[signal.Signals, object] = {}
        self._holding = False
        self._asked: int | None = None

    def __enter__(self) -> ProcessGroup:
        for number in STOP_SIGNALS:
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exc: object) -> None:
        self._holding = True
        for child in reversed(self._children):
            end_group(child, self._grace_s)
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def start(self, command: Sequence[str | Path], log: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a child; its output goes to `log`, or where ours goes, with standard output on standard error."""
        with self._held(), open_log(log) as output:
            child = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment_of_children(),
                start_new_session=True,
            )
            self._children.append(child)
        return child

    def run(self, command: Sequence[str | Path]) -> int:
        """Run a child to its end; gives back its exit status."""
        child = self.start(command)
        status = child.wait()
        with self._held():
            # What the child may have left running in its group ends with it.
            end_group(child, self._grace_s)
            self._children.remove(child)
        return status

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._asked is not None:
            raise Stopped(self._asked)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._holding:
            self._asked = number
        else:
            raise Stopped(number)


def environment_of_children() -> dict[str, str]:
    """Ours without the KENSA_* settings: a demonstration must not reach into somebody's real database."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KENSA_")}


@contextmanager
def open_log(log: Path | None) -> Iterator[IO[bytes] | int]:
    """What a child writes to: the file `log`, appended, or our own standard error."""
    if log is None:
        yield STANDARD_ERROR
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        yield file


def group_lives(child: subprocess.Popen[bytes]) -> bool:
    """Whether any process of the child's group is left (the child itself is reaped when it has ended)."""
    child.poll()
    return signal_group(child, 0)


def signal_group(child: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to the child's group; False where there is no such group any more."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return False
    return True


def end_group(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask the child's group to end; after `grace_s` seconds make it."""
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        if not group_lives(child):
            return
        signal_group(child, number)
        deadline = time.monotonic() + patience_s
        while group_lives(child) and time.monotonic() < deadline:
            time.sleep(0.05)
