"""The two scales inside an exported graph, by which bank and flaw head are added: measured and set without torch."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

from inspection.scoring.session import INPUT

_LEAST = 1e-6


class GraphScales:
    """The node `anomaly_map = bank / scale + flaws / scale`, where the graph has it."""

    def __init__(self, path: Path) -> None:
        self._model = onnx.load(str(path))
        made_by = {output: node for node in self._model.graph.node for output in node.output}
        total = made_by.get("anomaly_map")
        parts = [made_by.get(name) for name in total.input] if total is not None and total.op_type == "Add" else []
        divisions = [node for node in parts if node is not None and node.op_type == "Div"]
        constants = [made_by.get(node.input[1]) for node in divisions]
        self._constants = [node for node in constants if node is not None and node.op_type == "Constant"]
        self._maps = [node.input[0] for node in divisions]

    @property
    def are_there(self) -> bool:
        """Does the map come from a bank and a flaw head, in the form this version exports?"""
        return len(self._constants) == len(self._maps) == 2

    def measure(self, images: np.ndarray, batch_size: int = 16) -> tuple[float, float]:
        """The mean peak of each map over normal images, uint8 [N, S, S, 3]: of the bank, and of the flaw head."""
        probe = onnx.ModelProto()
        probe.CopyFrom(self._model)
        del probe.graph.output[:]
        probe.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in self._maps)
        session = ort.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
        peaks: list[np.ndarray] = []
        for start in range(0, len(images), batch_size):
            maps = session.run(None, {INPUT: images[start : start + batch_size]})
            peaks.append(np.stack([one.reshape(len(one), -1).max(1) for one in maps]))
        bank, flaw = np.maximum(np.concatenate(peaks, axis=1).mean(1), _LEAST).tolist()
        return bank, flaw

    def replace(self, scales: tuple[float, float], path: Path) -> None:
        """Write the graph with other scales to `path`."""
        for node, scale in zip(self._constants, scales, strict=True):
            value = node.attribute[0].t
            value.CopyFrom(numpy_helper.from_array(np.array(scale, numpy_helper.to_array(value).dtype)))
        onnx.checker.check_model(self._model)
        onnx.save(self._model, str(path))
