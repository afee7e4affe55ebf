"""What is timed, each as a function of a batch: built from files, so that a child process can hold one alone."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from distill.bench.peer_networks import PatchDescription, WideResNetToLayer3
from distill.export import OPSET
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
        return _open_torch(subject.file, threads)
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


def save_torch(module: nn.Module, path: Path, input_px: int) -> None:
    """Keep a torch form as an exported program: code and weights without any class of ours, and without pickle."""
    example = torch.zeros(2, input_px, input_px, 3, dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(module.cpu().eval(), (example,), dynamic_shapes=({0: batch},))
    with warnings.catch_warnings():
        # It muses about weights that share storage; loaded on one processor they are the same.
        warnings.simplefilter("ignore", UserWarning)
        torch.export.save(program, path)


def export_peers(folder: Path, input_px: int) -> list[Subject]:
    """ONNX files of the peers' networks, with random weights."""
    networks: dict[str, nn.Module] = {"efficientad_s": PatchDescription(), "patchcore_wrn50": WideResNetToLayer3()}
    return [_export_network(name, network, folder, input_px) for name, network in networks.items()]


def _open_torch(path: Path, threads: int) -> Call:
    torch.set_num_threads(threads)
    module = torch.export.load(path).module()

    def call(images: np.ndarray) -> object:
        with torch.inference_mode():
            return module(torch.from_numpy(images))

    return call


def _export_network(name: str, network: nn.Module, folder: Path, input_px: int) -> Subject:
    path = folder / f"{name}.onnx"
    example = torch.zeros(2, 3, input_px, input_px)
    with warnings.catch_warnings():
        # As in `distill.export`: the newer exporter gains nothing here.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            (example,),
            str(path),
            input_names=["images"],
            dynamic_axes={"images": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return Subject(name, path, takes_bytes=False)
