"""The ceiling: decode and ONNX Runtime on the same cores in a plain loop, without HTTP and without storage.

A program of its own, so that its CPU seconds are all its own: `python -m deploy.bench.bare BUNDLE SECONDS`.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from deploy.bench.pictures import PictureSource
from inspection.bundle.reader import open_bundle
from inspection.inspector import Inspector, PreparedImage

_PICTURE_COUNT = 256
_BATCH_SIZES = (1, 4)


def measure(bundle: Path, seconds: float) -> dict[str, float]:
    """Images a second and CPU milliseconds per image, in the fastest way tried.

    A loop for each core with a session of one thread, and one loop whose session shares the work of an image among all
    cores; each with single images and with small batches.
    """
    source = PictureSource(1)
    pictures = [source.next() for _ in range(_PICTURE_COUNT)]
    cores = len(os.sched_getaffinity(0))
    ways = [(loops, cores // loops, size) for loops in sorted({1, cores}) for size in _BATCH_SIZES]
    sessions = {threads: open_bundle(bundle, threads=threads) for threads in {threads for _, threads, _ in ways}}
    figures = [
        _run(sessions[threads], pictures, loops=loops, batch_size=size, seconds=seconds / len(ways))
        for loops, threads, size in ways
    ]
    return max(figures, key=lambda found: found["images_per_s"])


def _run(
    inspector: Inspector, pictures: list[bytes], *, loops: int, batch_size: int, seconds: float
) -> dict[str, float]:
    _loop(inspector, pictures, batch_size, time.perf_counter() + 0.2 * seconds)
    started, cpu_started = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(loops) as threads:
        ends_at = started + 0.8 * seconds
        counts = [threads.submit(_loop, inspector, pictures, batch_size, ends_at) for _ in range(loops)]
        count = sum(counted.result() for counted in counts)
    elapsed_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    return {"images_per_s": count / elapsed_s, "cpu_ms_per_image": 1e3 * cpu_s / count, "batch_size": batch_size}


def _loop(inspector: Inspector, pictures: list[bytes], batch_size: int, ends_at: float) -> int:
    """Images judged until the time is over: decoded, prepared and scored."""
    count, turns = 0, cycle(pictures)
    while time.perf_counter() < ends_at:
        batch = islice(turns, batch_size)
        prepared = [image for image in map(inspector.prepare, batch) if isinstance(image, PreparedImage)]
        inspector.score(prepared)
        count += len(prepared)
    return count


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), float(sys.argv[2]))))
