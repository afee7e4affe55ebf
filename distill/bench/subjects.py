"""What is timed, each as a function of a batch: built from files, so that a child process can hold one alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from inspection.scoring.session import StudentSession

Call = Callable[[np.ndarray], object]


@dataclass(frozen=True)
class Subject:
    """One thing to time: `file` is its ONNX, or its exported torch program where `in_torch`."""

    name: str
    file: Path
    in_torch: bool = False
    takes_bytes: bool = True
    """uint8 [B, S, S, 3], as the bundle does. Peers' bare networks take float [B, 3, S, S], and the bare convolutions
    an input of random numbers each."""


def open_subject(subject: Subject, threads: int) -> Call:
    """Load it; the call takes uint8 [B, S, S, 3]."""
    if subject.in_torch:
        # Only where it is asked for: what torch takes is no memory of the student's.
        from distill.bench.torch_forms import open_torch

        return open_torch(subject.file, threads)
    if subject.takes_bytes:
        return StudentSession(subject.file, threads=threads, providers=["CPUExecutionProvider"]).score
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(subject.file), options, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].name == "images":
        return lambda images: session.run(None, {"images": as_float(images)})
    ready: dict[int, dict[str, np.ndarray]] = {}

    def convolve(images: np.ndarray) -> object:
        count = len(images)
        if count not in ready:
            chance = np.random.default_rng(0)
            ready[count] = {one.name: chance.random((count, *one.shape[1:]), np.float32) for one in inputs}
        return session.run(None, ready[count])

    return convolve


def as_float(images: np.ndarray) -> np.ndarray:
    """uint8 [B, S, S, 3] to float32 [B, 3, S, S] in 0..1."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
