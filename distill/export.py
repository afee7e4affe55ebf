"""The scoring graph as ONNX, with fixed names and a free batch."""

import warnings
from pathlib import Path

import onnx
import torch

from distill.scoring_graph import ScoringGraph
from inspection.scoring.session import INPUT, OUTPUTS

OPSET = 17


def export_onnx(graph: ScoringGraph, path: Path, input_px: int) -> None:
    """Write `graph` to `path`, checked by the ONNX checker."""
    graph = graph.cpu().eval()
    example = torch.zeros(2, input_px, input_px, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        # The newer exporter needs another package, and gains nothing for a graph without control flow.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            graph,
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.save(_name_weights_once(onnx.load(str(path))), str(path))
    onnx.checker.check_model(str(path), full_check=True)


def _name_weights_once(model: onnx.ModelProto) -> onnx.ModelProto:
    """The exporter gives weights that are used twice a second name, by an Identity node. Who quantises or reads the
    graph looks for the weights themselves."""
    weights = {tensor.name for tensor in model.graph.initializer}
    copies = [node for node in model.graph.node if node.op_type == "Identity" and node.input[0] in weights]
    own_name = {node.output[0]: node.input[0] for node in copies}
    for node in copies:
        model.graph.node.remove(node)
    for node in model.graph.node:
        node.input[:] = [own_name.get(name, name) for name in node.input]
    return model
