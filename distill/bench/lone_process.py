"""One subject alone in a process, for the memory it takes. `python -m distill.bench.lone_process` is not for people."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from distill.bench.subjects import Subject, open_subject
from inspection.errors import TrainingError

_CALLS = 3


def peak_memory_mb(subject: Subject, input_px: int, batch: int, threads: int) -> float:
    """The peak resident memory, in MB, of a fresh process that loads the subject and runs a few batches.

    Raises TrainingError where that process fails.
    """
    asked = {**vars(subject), "file": str(subject.file), "input_px": input_px, "batch": batch, "threads": threads}
    command = [sys.executable, "-m", "distill.bench.lone_process", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1][:160]
        raise TrainingError(f"{subject.name}: its process failed ({reason})", "free some memory and try again")
    return float(done.stdout.strip().splitlines()[-1])


def _own_peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.is_file():
        # Of this program alone; what getrusage tells includes the parent's memory before exec.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def _run(asked: dict[str, object]) -> None:
    side, batch, threads = (int(str(asked[name])) for name in ("input_px", "batch", "threads"))
    subject = Subject(str(asked["name"]), Path(str(asked["file"])), bool(asked["in_torch"]), bool(asked["takes_bytes"]))
    call = open_subject(subject, threads)
    images = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), np.uint8)
    for _ in range(_CALLS):
        call(images)
    print(_own_peak_mb())


if __name__ == "__main__":
    _run(json.loads(sys.argv[1]))
