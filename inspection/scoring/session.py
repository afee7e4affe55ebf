"""The ONNX Runtime session of a student, and the names in its graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
)

from inspection.errors import BundleError

INPUT = "images"
OUTPUTS = ("anomaly_map", "local_score", "global_score", "patch_embeddings", "view_embedding")
_SCORING_OUTPUTS = list(OUTPUTS[:3])
_LOAD_FAULTS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile)


@dataclass(frozen=True, slots=True)
class Scores:
    """Raw scores of B images: `anomaly_map` float32 [B, h, w], `local_score` and `global_score` float32 [B]."""

    anomaly_map: np.ndarray
    local_score: np.ndarray
    global_score: np.ndarray

    def __len__(self) -> int:
        return len(self.local_score)


class StudentSession:
    """A loaded student. Safe to call from several threads."""

    def __init__(self, path: Path, *, threads: int = 0, providers: Sequence[str] | None = None) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(path), options, providers=list(providers or best_providers()))
        except _LOAD_FAULTS as error:
            raise BundleError(
                f"{path}: ONNX Runtime refuses it ({_first_line(error)})", "build the bundle again"
            ) from None
        found = {output.name for output in self._session.get_outputs()}
        if missing := set(OUTPUTS) - found:
            raise BundleError(
                f"{path}: the graph lacks {', '.join(sorted(missing))}",
                "build the bundle again with this version",
            )

    def score(self, inputs: np.ndarray) -> Scores:
        """uint8 [B, H, W, 3] to Scores."""
        return Scores(*self._session.run(_SCORING_OUTPUTS, {INPUT: inputs}))

    def run(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 [B, H, W, 3] to all outputs, by name."""
        return dict(zip(OUTPUTS, self._session.run(list(OUTPUTS), {INPUT: inputs}), strict=True))


def best_providers() -> list[str]:
    """The CUDA provider where it is there, and the CPU always."""
    available = ort.get_available_providers()
    return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:160]
