"""The ONNX Runtime session of a student, and the names in its graph."""

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from inspection.errors import BundleError

INPUT = "images"
OUTPUTS = ("anomaly_map", "local_score", "global_score", "patch_embeddings", "view_embedding")
_SCORING_OUTPUTS = list(OUTPUTS[:3])
# ONNX Runtime's errors have no base of their own; ValueError and RuntimeError come from its Python side.
_FAULTS = (
    ort_state.EPFail,
    ort_state.EngineError,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NoModel,
    ort_state.NoSuchFile,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
    RuntimeError,
    ValueError,
)


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
        self._path = path
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            # ONNX Runtime's own second try prints to standard output, and turns to no provider that is not listed.
            self._session = ort.InferenceSession(
                str(path), options, providers=list(providers or best_providers()), enable_fallback=0
            )
        except _FAULTS as error:
            raise BundleError(
                f"{path}: ONNX Runtime refuses it ({_first_line(error)})", "build the bundle again"
            ) from None
        self._check_names()

    @property
    def on_gpu(self) -> bool:
        """Whether another provider than the CPU's runs the graph."""
        return bool(self._session.get_providers()[0] != "CPUExecutionProvider")

    def score(self, inputs: np.ndarray) -> Scores:
        """uint8 [B, H, W, 3] to Scores. Raises BundleError where the graph fails."""
        return Scores(*self._run(_SCORING_OUTPUTS, inputs))

    def run(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 [B, H, W, 3] to all outputs, by name. Raises BundleError where the graph fails."""
        return dict(zip(OUTPUTS, self._run(list(OUTPUTS), inputs), strict=True))

    def _run(self, names: list[str], inputs: np.ndarray) -> list[np.ndarray]:
        try:
            outputs: list[np.ndarray] = self._session.run(names, {INPUT: inputs})
        except _FAULTS as error:
            raise BundleError(
                f"{self._path}: ONNX Runtime cannot run it ({_first_line(error)})", "build the bundle again"
            ) from None
        return outputs

    def _check_names(self) -> None:
        found = {value.name for value in (*self._session.get_inputs(), *self._session.get_outputs())}
        if missing := {INPUT, *OUTPUTS} - found:
            raise BundleError(
                f"{self._path}: the graph lacks {', '.join(sorted(missing))}",
                "build the bundle again with this version",
            )


def best_providers() -> list[str]:
    """The CUDA provider where it and a GPU's driver are there, and the CPU always."""
    wanted = ["CUDAExecutionProvider"] if _has_cuda_driver() else []
    available = ort.get_available_providers()
    return [name for name in (*wanted, "CPUExecutionProvider") if name in available]


def _has_cuda_driver() -> bool:
    # onnxruntime-gpu lists CUDA on every machine, and complains aloud where it is asked for it in vain.
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _first_line(error: Exception) -> str:
    line = (str(error).splitlines() or [type(error).__name__])[0]
    # Without "Load model from ... failed:", since the path is told already.
    return (line.partition(" failed:")[2] or line)[:160]
