"""What was already done: a marker for each stage of a long work, so that a second run reuses what stands."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspection.images.digest import sha256_of_bytes, sha256_of_set

Inputs = Mapping[str, str | float | None]


@dataclass(frozen=True)
class Stage:
    """One step of a longer work. `inputs` decide its result: when one differs it is done again."""

    name: str
    inputs: Inputs
    output: Path
    work: Callable[[bool], None]
    """Does the work; its argument says whether an unfinished attempt with the same inputs lies there."""

    @property
    def key(self) -> str:
        """SHA-256 of the stage's name and inputs; the input of the stage after it."""
        return sha256_of_bytes(json.dumps([self.name, dict(self.inputs)], sort_keys=True).encode())


@dataclass(frozen=True)
class Outcome:
    """`seconds` the stage took when it was done, also where it is reused now."""

    seconds: float
    reused: bool


class StageBook:
    """Markers in a folder, one JSON file per stage: its key, and whether it is finished."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def complete(self, stage: Stage) -> Outcome:
        """Do the stage unless it stands; what `work` raises passes through and leaves it unfinished."""
        found = self._read(stage.name)
        same = found.get("key") == stage.key and stage.output.exists()
        if same and found.get("finished"):
            return Outcome(found["seconds"], reused=True)
        self._write(stage, finished=False, seconds=0.0)
        started = time.monotonic()
        stage.work(same)
        seconds = time.monotonic() - started
        self._write(stage, finished=True, seconds=seconds)
        return Outcome(seconds, reused=False)

    def _marker(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads(self._marker(name).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, stage: Stage, finished: bool, seconds: float) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        content = {"key": stage.key, "finished": finished, "seconds": seconds, "inputs": dict(stage.inputs)}
        part = self._marker(stage.name).with_suffix(".part")
        part.write_text(json.dumps(content, indent=1) + "\n")
        os.replace(part, self._marker(stage.name))


def listing_sha256(root: Path, paths: Iterable[Path]) -> str:
    """Digest of a list of files by name, size and time of change: quick for any number of pictures."""
    lines = []
    for path in paths:
        facts = path.stat()
        line = f"{path.relative_to(root)}\t{facts.st_size}\t{facts.st_mtime_ns}"
        lines.append(sha256_of_bytes(line.encode()))
    return sha256_of_set(lines)
