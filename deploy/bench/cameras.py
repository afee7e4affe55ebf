"""Many cameras in one process: posts as fast as they are answered, or at a fixed pace.

A program of its own, beside the service: `python -m deploy.bench.cameras` reads a Task as JSON on standard input and
prints an Outcome. HTTP/1.1 is written by hand: what a load generator spends, the service on the same cores lacks.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import count, cycle
from urllib.parse import quote, urlsplit

import numpy as np
import uvloop

from deploy.bench.pictures import PictureSource

_MOST_PICTURES = 4096
_LONGEST_WAIT_S = 60.0
# The service closes connections that were idle for 5 s.
_IDLE_S = 4.0


@dataclass(frozen=True)
class Task:
    """`connections` cameras post for `seconds`, or `limit` times; `images_per_s` together, or as fast as they can."""

    address: str
    series: str
    """Begins every trigger id, so that no two tasks share one."""
    connections: int
    seconds: float
    picture_count: int
    key: str = ""
    images_per_s: float | None = None
    limit: int | None = None


@dataclass
class Outcome:
    """Milliseconds from post to answer are counted from the instant a post was due, not from when it could be made."""

    elapsed_s: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    verdicts: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0


class Pictures:
    """Made before the load begins. Used again, each gets another tail, which a decoder passes over: another file."""

    def __init__(self, series: str, wanted: int) -> None:
        source = PictureSource(sum(series.encode()))
        self._made = [source.next() for _ in range(min(max(wanted, 16), _MOST_PICTURES))]
        self._numbers = count()
        self._turns = cycle(self._made)
        self._series = series

    def next(self) -> tuple[str, bytes]:
        """(trigger id, JPEG)"""
        number = next(self._numbers)
        tail = b"" if number < len(self._made) else f"{self._series}-{number}".encode()
        return f"{self._series}-{number:07d}", next(self._turns) + tail


class Cameras:
    """The cameras of one task."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._url = urlsplit(task.address)
        self._pictures = Pictures(task.series, task.picture_count)
        self._statuses: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._latencies: list[float] = []
        self._posted = count()

    async def work(self) -> Outcome:
        """Post until the time, or the limit, is reached."""
        started = time.perf_counter()
        due = self._due_times(started)
        await asyncio.gather(*(self._one_camera(due) for _ in range(self._task.connections)))
        elapsed_s = time.perf_counter() - started
        p50, p95, p99 = np.percentile(self._latencies or [0.0], (50, 95, 99)) * 1e3
        acknowledged = self._statuses["201"]
        return Outcome(
            elapsed_s, dict(self._statuses), dict(self._verdicts), acknowledged, float(p50), float(p95), float(p99)
        )

    def _due_times(self, started: float) -> Iterator[float]:
        """When each post is due; with a pace, lines of several cameras meet at random as theirs do."""
        rng = np.random.default_rng(0)
        moment = started
        while self._task.limit is None or next(self._posted) < self._task.limit:
            if self._task.images_per_s is None:
                moment = time.perf_counter()
            else:
                moment += rng.uniform(0.5, 1.5) / self._task.images_per_s
            if moment - started >= self._task.seconds:
                return
            yield moment

    async def _one_camera(self, due: Iterator[float]) -> None:
        connection, used_at = await self._connect(), time.perf_counter()
        for moment in due:
            trigger, picture = self._pictures.next()
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            if time.perf_counter() - used_at > _IDLE_S:
                connection[1].close()
                connection = await self._connect()
            sent_at = moment if self._task.images_per_s else time.perf_counter()
            try:
                async with asyncio.timeout(_LONGEST_WAIT_S):
                    status, body = await self._post(*connection, trigger, picture)
            except (OSError, EOFError, TimeoutError) as error:
                self._statuses[type(error).__name__] += 1
                connection, used_at = await self._connect(), time.perf_counter()
                continue
            used_at = time.perf_counter()
            self._latencies.append(used_at - sent_at)
            self._statuses[str(status)] += 1
            if status in (200, 201):
                self._verdicts[json.loads(body)["verdict"]] += 1
        connection[1].close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._url.hostname, self._url.port)

    async def _post(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trigger: str, picture: bytes
    ) -> tuple[int, bytes]:
        writer.write(self._head(trigger, len(picture)))
        writer.write(picture)
        return await _read_answer(reader)

    def _head(self, trigger: str, length: int) -> bytes:
        place = quote(f"part-{trigger}")
        path = f"/api/v1/inspections?station=bench-{len(place) % 4}&part_id={place}&lot=L-1&trigger_id={quote(trigger)}"
        key = f"Authorization: Bearer {self._task.key}\r\n" if self._task.key else ""
        return (
            f"POST {path} HTTP/1.1\r\nHost: {self._url.netloc}\r\n{key}"
            f"Content-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n"
        ).encode()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    lengths = [line.split(":")[1] for line in lines if line.lower().startswith("content-length:")]
    return int(lines[0].split()[1]), await reader.readexactly(int(lengths[0]))


if __name__ == "__main__":
    outcome = uvloop.run(Cameras(Task(**json.load(sys.stdin))).work())
    print(json.dumps(asdict(outcome)))
