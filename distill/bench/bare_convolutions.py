"""The floor: a student's convolutions alone. Nothing that is done around them can make a graph faster than these."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from distill.bench.subjects import Subject


def export_floor(student: Path, folder: Path, input_px: int) -> Subject:
    """An ONNX file of the student's convolutions side by side, each with an input of the size it has in the student."""
    model = onnx.load(str(student))
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type == "Conv" and node.input[1] in weights]
    shapes = _input_shapes(model, [node.input[0] for node in nodes], input_px)
    inputs, outputs, bare = [], [], []
    for number, node in enumerate(nodes):
        one = onnx.NodeProto()
        one.CopyFrom(node)
        one.input[0], one.output[0] = f"input_{number}", f"output_{number}"
        bare.append(one)
        shape: list[str | int | None] = ["batch", *shapes[node.input[0]]]
        inputs.append(helper.make_tensor_value_info(one.input[0], TensorProto.FLOAT, shape))
        outputs.append(helper.make_tensor_value_info(one.output[0], TensorProto.FLOAT, None))
    used = [weights[name] for name in dict.fromkeys(name for node in nodes for name in node.input[1:])]
    graph = helper.make_graph(bare, "bare_convolutions", inputs, outputs, used)
    path = folder / "bare_convolutions.onnx"
    onnx.save(helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version), str(path))
    return Subject("bare_convolutions", path, takes_bytes=False)


def _input_shapes(model: onnx.ModelProto, names: list[str], input_px: int) -> dict[str, list[int]]:
    """Channels, height and width of tensors within the graph, found by running it once."""
    wanted = list(dict.fromkeys(names))
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in wanted)
    session = ort.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"images": np.zeros((1, input_px, input_px, 3), np.uint8)})
    return {name: list(value.shape[1:]) for name, value in zip(wanted, found, strict=True)}
