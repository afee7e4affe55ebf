"""The heaps of a service with many threads stay few."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.running_service import ROOT

COUNT_HEAPS = """
import ctypes, threading
from service.heap import keep_heaps_few
{call}
barrier = threading.Barrier(12)
def work():
    kept = [bytearray(4096 + n) for n in range(64)]
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""


def heap_count(call: str, **environment: str) -> int:
    """Heaps of a process after twelve threads have used theirs."""
    command = [sys.executable, "-c", COUNT_HEAPS.format(call=call)]
    given = {**os.environ, **environment}
    answer = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=True)
    return answer.stderr.count("Arena ")


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own matter")
def test_threads_share_two_heaps() -> None:
    assert heap_count("") > 2
    assert heap_count("keep_heaps_few()") == 2


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own matter")
def test_what_the_plant_has_set_wins() -> None:
    assert heap_count("keep_heaps_few()", MALLOC_ARENA_MAX="4") == 4
