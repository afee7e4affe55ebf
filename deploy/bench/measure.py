"""One database's figures: the bare loop, four numbers of connections, a steady load, and what was really stored."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from deploy.bench.cameras import Outcome, Task
from deploy.bench.rows import driver_url
from deploy.bench.station import Station
from deploy.bench.watched import growth
from inspection.errors import StorageError

CONNECTIONS = (1, 4, 16, 64)
STEADY_CONNECTIONS = 32
STEADY_LOAD = 0.7
# Parts of a database's seconds.
_BARE, _WARM_UP, _LEVEL, _STEADY = 0.1, 0.1, 0.1, 0.3

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Bare:
    """The bare loop, of before and after."""

    images_per_s: float
    cpu_ms_per_image: float


@dataclass(frozen=True)
class Level:
    """What one number of connections brought. `images_per_s` counts only posts that were acknowledged as stored."""

    connections: int
    images_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms_per_image: float
    statuses: dict[str, int]
    verdicts: dict[str, int]


@dataclass
class Measured:
    """All figures of one database."""

    bare: Bare
    levels: list[Level] = field(default_factory=list)
    steady: Level | None = None
    acknowledged: int = 0
    stored: int = 0
    rss_growth: float = 0.0

    @property
    def saturated(self) -> Level:
        """The level with the most images a second."""
        return max(self.levels, key=lambda level: level.images_per_s)

    def ratio(self, level: Level) -> float:
        """CPU seconds per image of the bare loop over those of all service processes."""
        return self.bare.cpu_ms_per_image / level.cpu_ms_per_image

    def figures(self) -> dict[str, float]:
        """The line a script reads. Latencies are those of the steady load."""
        steady = self.steady or self.saturated
        return {
            "images_per_s": round(self.saturated.images_per_s, 2),
            "bare_images_per_s": round(self.bare.images_per_s, 2),
            "ratio": round(self.ratio(self.saturated), 4),
            "p50_ms": round(steady.p50_ms, 2),
            "p95_ms": round(steady.p95_ms, 2),
            "p99_ms": round(steady.p99_ms, 2),
            "acknowledged": self.acknowledged,
            "stored": self.stored,
            "rss_growth": round(self.rss_growth, 4),
        }


class Load:
    """Loads one running service; counts what it acknowledged."""

    def __init__(self, station: Station, expected_images_per_s: float) -> None:
        self._station = station
        self._expected = expected_images_per_s
        self.acknowledged = 0

    def run(
        self,
        series: str,
        connections: int,
        seconds: float,
        *,
        images_per_s: float | None = None,
        limit: int | None = None,
    ) -> Level:
        """One phase, from another process, with the CPU seconds that the service spent on it."""
        wanted = limit or int(seconds * (images_per_s or self._expected))
        task = Task(self._station.address, series, connections, seconds, wanted, self._station.key, images_per_s, limit)
        before_s = self._station.watched.cpu_s()
        outcome = Outcome(**_run_program("cameras", [], json.dumps(asdict(task))))
        cpu_s = self._station.watched.cpu_s() - before_s
        if not outcome.acknowledged:
            raise StorageError(f"service: acknowledged nothing ({outcome.statuses})", "see its log")
        self.acknowledged += outcome.acknowledged
        return Level(
            connections=connections,
            images_per_s=outcome.acknowledged / outcome.elapsed_s,
            p50_ms=outcome.p50_ms,
            p95_ms=outcome.p95_ms,
            p99_ms=outcome.p99_ms,
            cpu_ms_per_image=1e3 * cpu_s / outcome.acknowledged,
            statuses=outcome.statuses,
            verdicts=outcome.verdicts,
        )


def measure(station: Station, bundle: Path, seconds: float, post_count: int, tell: Tell) -> Measured:
    """Everything about one running service in about `seconds`, and the time that `post_count` further posts take."""
    tell("bare loop")
    before = measure_bare(bundle, _BARE * seconds)
    load = Load(station, 1.1 * before.images_per_s)
    tell("warm-up")
    load.run("warm", 4, _WARM_UP * seconds)
    measured = Measured(before)
    for connections in CONNECTIONS:
        tell(f"{connections} connections")
        measured.levels.append(load.run(f"level-{connections}", connections, _LEVEL * seconds))
    rate = STEADY_LOAD * measured.saturated.images_per_s
    tell(f"{STEADY_LOAD:.0%} load: {rate:.1f} images/s")
    measured.steady = load.run("steady", STEADY_CONNECTIONS, _STEADY * seconds, images_per_s=rate)
    tell("bare loop")
    after = measure_bare(bundle, _BARE * seconds)
    measured.bare = Bare(
        (before.images_per_s + after.images_per_s) / 2, (before.cpu_ms_per_image + after.cpu_ms_per_image) / 2
    )
    first = 0
    if post_count:
        tell(f"{post_count} posts")
        first = len(station.watched.rss_bytes)
        load.run("many", 16, float("inf"), limit=post_count)
    measured.rss_growth = growth(station.watched.rss_bytes[first:])
    measured.acknowledged, measured.stored = load.acknowledged, count_stored(station)
    return measured


def measure_bare(bundle: Path, seconds: float) -> Bare:
    """The bare loop in a process of its own."""
    found = _run_program("bare", [str(bundle), str(seconds)], "")
    return Bare(found["images_per_s"], found["cpu_ms_per_image"])


def count_stored(station: Station) -> int:
    """Inspections in the database whose image lies in the store, whole."""
    engine = create_engine(driver_url(station.database_url))
    with engine.connect() as connection:
        names = connection.execute(text("SELECT image_sha256 FROM inspections")).scalars().all()
    engine.dispose()
    folder = station.data / "images"
    sizes = {entry.name for entry in _files(folder) if entry.stat().st_size > 0}
    return sum(name in sizes for name in names)


def _files(folder: Path) -> list[os.DirEntry[str]]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                found += _files(Path(entry.path))
            else:
                found.append(entry)
    return found


def _run_program(name: str, words: list[str], task: str) -> dict[str, Any]:
    command = [sys.executable, "-m", f"deploy.bench.{name}", *words]
    answer = subprocess.run(command, input=task, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        lines = answer.stderr.strip().splitlines() or ["no message"]
        raise StorageError(f"deploy.bench.{name}: ended with status {answer.returncode} ({lines[-1]})", "see above")
    found: dict[str, Any] = json.loads(answer.stdout)
    return found
