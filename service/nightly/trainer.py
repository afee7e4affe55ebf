"""The trainer: `python -m pretrain` and `python -m distill` as programs of their own, with an end to their time.

What they print last is a line of JSON. A trainer that a killed night has left behind is ended before another begins.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from service.nightly.endings import NightEnded
from service.nightly.plan import TrainingPlan
from service.nightly.tables import Reason

log = structlog.get_logger("kensa.nightly")
_LOOK_S = 0.1
_GRACE_S = 10.0
_TOLD = 300
_DISK_WORDS = ("No space left on device", "Disk quota exceeded")


_running: set[int] = set()


def end_all_trainers() -> None:
    """For a process that is about to end: what it has started ends with it."""
    for pid in list(_running):
        _end_group(pid)


@dataclass(frozen=True)
class Trainer:
    """Runs commands; what they say goes to files in `folder`."""

    plan: TrainingPlan
    folder: Path

    def pretrain(self, *words: str | Path, deadline: float) -> dict[str, Any]:
        """`python -m pretrain ...`, on all processes of the plan."""
        start = ["-m", "pretrain"]
        if self.plan.processes > 1:
            start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={self.plan.processes}", *start]
        return self._run("pretrain", [*start, *map(str, words)], deadline)

    def distill(self, *words: str | Path, deadline: float) -> dict[str, Any]:
        """`python -m distill ...`. A command that answers with status 1 has found something wrong, and says what."""
        return self._run("distill", ["-m", "distill", *map(str, words)], deadline)

    def _run(self, name: str, words: Sequence[str], deadline: float) -> dict[str, Any]:
        """The last line of JSON. Raises NightEnded where the trainer is lost, refuses, or runs out of time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        mark, sayings = self.folder / f"{name}.pid", self.folder / f"{name}.log"
        _end_left_behind(mark)
        command = [*(self.plan.python or (sys.executable,)), *words]
        log.info("trainer_starts", command=command)
        with sayings.open("ab") as said:
            begin = said.tell()
            try:
                child = subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True
                )
            except OSError as error:
                raise NightEnded(Reason.TRAINER_LOST, f"{command[0]}: {error.strerror}") from None
            mark.write_text(f"{child.pid} {_start_of(child.pid)}\n", encoding="utf-8")
            answer = _Answer(child)
            _running.add(child.pid)
            try:
                status = _await(child, deadline)
            finally:
                _end_group(child.pid)
                _running.discard(child.pid)
                child.wait()
                answer.close()
                mark.unlink(missing_ok=True)
        return _read_answer(name, status, answer.text(), _tail(sayings, begin))


class _Answer:
    """Standard output, read while the child runs: a full pipe would stop it."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._lines: list[bytes] = []
        assert child.stdout is not None
        self._pipe = child.stdout
        self._reader = threading.Thread(target=self._lines.extend, args=(child.stdout,), daemon=True)
        self._reader.start()

    def close(self) -> None:
        """The child has ended."""
        self._reader.join(_GRACE_S)
        self._pipe.close()

    def text(self) -> str:
        return b"".join(self._lines).decode("utf-8", "replace")


def _await(child: "subprocess.Popen[bytes]", deadline: float) -> int:
    """Its exit status. Raises NightEnded at the deadline."""
    while (status := child.poll()) is None:
        if time.time() > deadline:
            raise NightEnded(Reason.BUDGET_SPENT, "the trainer was still at work when the night's time was over")
        time.sleep(_LOOK_S)
    return status


def _read_answer(name: str, status: int, output: str, said: str) -> dict[str, Any]:
    if any(words in said for words in _DISK_WORDS):
        raise NightEnded(Reason.DISK_FULL, said)
    if status < 0 or status > 128:
        number = -status if status < 0 else status - 128
        raise NightEnded(Reason.TRAINER_LOST, f"{name} was ended by signal {number}: {said or 'it said nothing'}")
    last = next((line for line in reversed(output.splitlines()) if line.startswith("{")), None)
    # Status 1 is an answer too, of `distill verify`; any other is a refusal.
    if status not in (0, 1) or last is None:
        raise NightEnded(Reason.TRAINER_REFUSED, f"{name} ended with status {status}: {said or 'it said nothing'}")
    try:
        answer: dict[str, Any] = json.loads(last)
    except json.JSONDecodeError:
        raise NightEnded(Reason.TRAINER_REFUSED, f"{name} answered {last[:_TOLD]}") from None
    return answer


def _tail(path: Path, begin: int) -> str:
    """The last line that it said this time."""
    with path.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode("utf-8", "replace").split("\n")
    spoken = [line.rpartition("\r")[2].strip() for line in lines]
    return next((line[-_TOLD:] for line in reversed(spoken) if line), "")


def _end_left_behind(mark: Path) -> None:
    with suppress(OSError, ValueError):
        pid, start = mark.read_text(encoding="utf-8").split()
        # The same number may be another's by now: its start tells.
        if _start_of(int(pid)) == start:
            log.warning("trainer_left_behind", pid=int(pid))
            _end_group(int(pid))
            _wait_until(lambda: _start_of(int(pid)) != start)


def _end_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + _GRACE_S
    while not is_so() and time.monotonic() < end:
        time.sleep(_LOOK_S)


def _start_of(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty where there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
