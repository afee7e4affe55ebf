"""No child outlives the demonstration, whenever it is asked to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.demo.processes import ProcessGroup, Stopped

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(c.pid, flush=True); time.sleep(600)",
]


def is_running(pid: int) -> bool:
    """Whether the process lives; one that waits to be reaped does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for_text(log: Path) -> str:
    """The log's text as soon as there is some."""
    while not (text := log.read_text()):
        time.sleep(0.02)
    return text


def test_leaving_ends_children_and_grandchildren(tmp_path: Path) -> None:
    with ProcessGroup() as processes:
        child = processes.start(PARENT, tmp_path / "log")
        grandchild = int(wait_for_text(tmp_path / "log"))
        assert is_running(grandchild)
    assert not is_running(child.pid)
    assert not is_running(grandchild)


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    with ProcessGroup(grace_s=0.2) as processes:
        child = processes.start(STUBBORN, tmp_path / "log")
        wait_for_text(tmp_path / "log")
    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_children_and_gives_the_handlers_back(number: signal.Signals, tmp_path: Path) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Stopped, match=number.name), ProcessGroup() as processes:
        child = processes.start(SLEEP, tmp_path / "log")
        os.kill(os.getpid(), number)
        child.wait()
    assert not is_running(child.pid)
    assert signal.getsignal(number) is before


def test_a_signal_while_a_child_starts_waits_until_it_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen_with_signal(*args: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(real(*args, **options))  # type: ignore[call-overload]
        os.kill(os.getpid(), signal.SIGTERM)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", popen_with_signal)
    with pytest.raises(Stopped), ProcessGroup() as processes:
        processes.start(SLEEP, tmp_path / "log")
    assert not is_running(started[0].pid)


def test_settings_of_a_real_service_do_not_reach_the_children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KENSA_DATABASE_URL", "postgresql://plant/real")
    asks = [sys.executable, "-c", "import os; print(os.environ.get('KENSA_DATABASE_URL'))"]
    with ProcessGroup() as processes:
        processes.start(asks, tmp_path / "log").wait()
    assert (tmp_path / "log").read_text().strip() == "None"


def test_run_gives_back_the_status() -> None:
    with ProcessGroup() as processes:
        assert processes.run([sys.executable, "-c", "raise SystemExit(7)"]) == 7
