"""What more processes bring: this benchmark under torchrun, with one process and with several, one after another."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from inspection.errors import TrainingError
from inspection.terminal import say


@dataclass(frozen=True)
class Scaling:
    """Images a second of the full step: of one process, of several on the same batch, and on one twice as large.

    Every process has as many threads in all three.
    """

    processes: int
    one_process: float
    same_batch: float
    doubled_batch: float

    def figures(self) -> dict[str, float]:
        return {
            "processes": self.processes,
            "one_process_images_per_s": self.one_process,
            "same_batch_images_per_s": self.same_batch,
            "doubled_batch_images_per_s": self.doubled_batch,
            "same_batch_speedup": round(self.same_batch / self.one_process, 3),
            "doubled_batch_speedup": round(self.doubled_batch / self.one_process, 3),
        }


def measure_scaling(recipe: str, batch_size: int, seconds: float, processes: int) -> Scaling:
    """Run the benchmark with one process and with `processes`. Raises TrainingError where one of them fails."""
    threads = max((os.cpu_count() or 1) // processes, 1)
    plan = ((1, batch_size), (processes, batch_size), (processes, 2 * batch_size))
    rates = [_run(recipe, size, seconds, count, threads) for count, size in plan]
    return Scaling(processes, *rates)


def _run(recipe: str, batch_size: int, seconds: float, processes: int, threads: int) -> float:
    say(f"{processes} process{'es' if processes > 1 else ''}, batches of {batch_size}")
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    options = ["bench", recipe, "--batch", str(batch_size), "--seconds", str(seconds)]
    answer = subprocess.run(
        [sys.executable, *torchrun, "-m", "pretrain", *options],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        told = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
        reason = told[0].removeprefix("error: ") if told else answer.stderr.strip().rpartition("\n")[2]
        raise TrainingError(f"the benchmark with {processes} processes failed", reason or "see torchrun's messages")
    return float(json.loads(answer.stdout.splitlines()[-1])["full_step_images_per_s"])
