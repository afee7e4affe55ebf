"""What of the benchmark needs torch: keeping and opening torch forms, and exporting the peers' networks."""

import os
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from distill.bench.peer_networks import PatchDescription, WideResNetToLayer3
from distill.bench.subjects import Call, Subject
from distill.export import OPSET


def save_torch(module: nn.Module, path: Path, input_px: int) -> None:
    """Keep a torch form as an exported program: code and weights without any class of ours, and without pickle."""
    example = torch.zeros(2, input_px, input_px, 3, dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(module.cpu().eval(), (example,), dynamic_shapes=({0: batch},))
    with warnings.catch_warnings():
        # It muses about weights that share storage; loaded on one processor they are the same.
        warnings.simplefilter("ignore", UserWarning)
        torch.export.save(program, path)


def open_torch(path: Path, threads: int) -> Call:
    """An exported program as a call, on so many threads; 0: as many as there are cores."""
    torch.set_num_threads(threads or os.cpu_count() or 1)
    module = torch.export.load(path).module()

    def call(images: np.ndarray) -> object:
        with torch.inference_mode():
            return module(torch.from_numpy(images))

    return call


def export_peers(folder: Path, input_px: int) -> list[Subject]:
    """ONNX files of the peers' networks, with random weights."""
    networks: dict[str, nn.Module] = {"efficientad_s": PatchDescription(), "patchcore_wrn50": WideResNetToLayer3()}
    return [_export_network(name, network, folder, input_px) for name, network in networks.items()]


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
