"""What waits is worked on together, alone nothing waits, and nothing that was put is left."""

from __future__ import annotations

import threading
import time

import pytest

from service import gathering
from service.gathering import Gathering


def gather(count: int, limit: int) -> list[list[int]]:
    """The groups that `count` numbers leave in which wait before anybody works."""
    groups: list[list[int]] = []
    work: Gathering[int] = Gathering("work", groups.append, limit=limit)
    for number in range(count):
        work.put(number)
    work.start()
    work.close(60)
    return groups


def test_what_waits_goes_together_in_its_order_up_to_the_limit() -> None:
    assert gather(10, 4) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert gather(3, 1) == [[0], [1], [2]]


def test_under_load_a_group_waits_for_a_part_of_those_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_LINGER_S", 60.0)
    groups: list[list[int]] = []
    is_done = threading.Event()

    def note(group: list[int]) -> None:
        groups.append(group)
        is_done.set()

    work: Gathering[int] = Gathering("work", note, limit=64, under_way_count=lambda: 9)
    work.start()
    for number in range(3):
        assert not groups
        work.put(number)
        time.sleep(0.01)
    assert is_done.wait(60)
    work.close(60)
    assert groups == [[0, 1, 2]]


def test_alone_nothing_waits_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_LINGER_S", 3600.0)
    is_done = threading.Event()
    work: Gathering[int] = Gathering("work", lambda _group: is_done.set(), limit=64, under_way_count=lambda: 2)
    work.start()
    work.put(1)
    assert is_done.wait(60)
    work.close(60)
    assert len(work) == 0


def test_several_threads_work_side_by_side_and_all_end() -> None:
    meeting = threading.Barrier(3, timeout=60)
    groups: list[list[int]] = []

    def meet(group: list[int]) -> None:
        meeting.wait()
        groups.append(group)

    work: Gathering[int] = Gathering("meeting", meet, limit=1, thread_count=3)
    work.start()
    for number in range(3):
        work.put(number)
    work.close(60)
    assert sorted(groups) == [[0], [1], [2]]
    assert not [thread for thread in threading.enumerate() if thread.name == "meeting"]
