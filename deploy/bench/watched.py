"""The CPU time and the memory of a process and of all that it started."""

import ctypes
import statistics
import threading
import time
from collections.abc import Callable
from typing import Self

import psutil

_SAMPLE_EVERY_S = 0.25


class Watched:
    """CPU seconds and memory of a process and all it started."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self.rss_bytes: list[int] = []
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def cpu_s(self) -> float:
        """User and system seconds since they were started."""
        return self._sum(_cpu_s)

    def precise_cpu_s(self) -> float:
        """Of the started process alone, to the microsecond: the kernel's own clock of it. Raises OSError."""
        clock = ctypes.c_int()
        failed = ctypes.CDLL(None).clock_getcpuclockid(self._root.pid, ctypes.byref(clock))
        if failed:
            raise OSError(failed, f"process {self._root.pid}: has no clock that can be read")
        return time.clock_gettime(clock.value)

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_EVERY_S):
            self.rss_bytes.append(int(self._sum(lambda process: process.memory_info().rss)))

    def _sum(self, ask: Callable[[psutil.Process], float]) -> float:
        total = 0.0
        try:
            for process in [self._root, *self._root.children(recursive=True)]:
                total += ask(process)
        except psutil.NoSuchProcess:
            # One ended while it was asked: the next look has it right.
            return total
        return total


def growth(samples: list[int]) -> float:
    """How much larger the last tenth of the samples is than the second: the first is still warming up."""
    tenth = max(len(samples) // 10, 1)
    if len(samples) < 3:
        return 0.0
    early, late = statistics.median(samples[tenth : 2 * tenth]), statistics.median(samples[-tenth:])
    return late / early - 1 if early else 0.0


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
