"""What was counted already: simulated nights survive a stop, and a longer run goes on where a shorter one ended."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np

from deploy.bench.gate import plant
from deploy.bench.gate.plant import Case, draw
from inspection.calibration import intervals, paired
from inspection.images.digest import sha256_of_bytes, sha256_of_file, sha256_of_set
from service.nightly.gate import decision, escapes, fitness, overkill
from service.nightly.gate.decision import decide
from service.nightly.gate.policy import GatePolicy

_WRITTEN_EVERY = 5
_MODULES = (plant, intervals, paired, decision, escapes, fitness, overkill)


class Tally:
    """One JSON file for each case, named by all that decides what comes out: case, policy, first seed and program."""

    def __init__(self, folder: Path, policy: GatePolicy) -> None:
        self._folder = folder
        self._policy = policy
        self._program = sha256_of_set(sha256_of_file(Path(str(module.__file__))) for module in _MODULES)

    def count_passed(self, case: Case, nights: int, first: int) -> int:
        """How many of that many nights, the first of them drawn from seed `first`, pass the gate."""
        path = self._folder / f"{self._name(case, first)}.json"
        passed = _read(path)[:nights]
        while len(passed) < nights:
            passed.append(decide(draw(case, np.random.default_rng(first + len(passed))), self._policy).passed)
            if len(passed) % _WRITTEN_EVERY == 0 or len(passed) == nights:
                _write(path, passed)
        return sum(passed)

    def _name(self, case: Case, first: int) -> str:
        decisive = [asdict(case), self._policy.model_dump(mode="json"), first, self._program]
        return sha256_of_bytes(json.dumps(decisive, sort_keys=True).encode())[:32]


def _read(path: Path) -> list[bool]:
    return [bool(one) for one in json.loads(path.read_text())] if path.is_file() else []


def _write(path: Path, passed: list[bool]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(passed))
    os.replace(part, path)
