"""The memory banks inside an exported graph: read, and replaced."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import numpy_helper

from inspection.errors import BundleError
from inspection.scoring.session import INPUT
from pretrain.evaluate.nearest_normal import NearestNormal

_PARTS = ("bank", "keys", "usual", "level")
_BATCH_SIZE = 16


@dataclass(frozen=True)
class BankValues:
    """The entries of one tap's bank, float [M, D], and the distances usual at them, [M]."""

    rows: np.ndarray
    usual: np.ndarray


class GraphBanks:
    """The banks of a student's ONNX file, tap by tap."""

    def __init__(self, path: Path) -> None:
        self._model = onnx.load(str(path))
        self._tensors = self._find_taps()

    @property
    def are_replaceable(self) -> bool:
        """Are there banks, in the form this version exports? The exporter keeps equal tensors of two taps once: such
        taps cannot be told apart."""
        return bool(self._tensors) and all(set(tap) == set(_PARTS) for tap in self._tensors)

    def values(self) -> list[BankValues]:
        """What they hold."""
        return [
            BankValues(numpy_helper.to_array(tap["bank"]), numpy_helper.to_array(tap["usual"])[:, 0])
            for tap in self._tensors
        ]

    def cells(self, images: np.ndarray) -> list[np.ndarray]:
        """What each bank is asked about: the cells float [N, h, w, D] of each tap, of uint8 [N, S, S, 3]."""
        makers = {output: node for node in self._model.graph.node for output in node.output}
        users = {name: node for node in self._model.graph.node for name in node.input}
        # Ranked are cells with a 1 behind them: the first of what was joined is the cells.
        asked = [makers[users[tap["keys"].name].input[0]].input[0] for tap in self._tensors]
        probe = onnx.ModelProto()
        probe.CopyFrom(self._model)
        del probe.graph.output[:]
        probe.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in asked)
        session = ort.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
        batches = [
            session.run(None, {INPUT: images[start : start + _BATCH_SIZE]})
            for start in range(0, len(images), _BATCH_SIZE)
        ]
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]

    def replace(self, values: list[BankValues], path: Path) -> None:
        """Write the graph with other banks of the same shapes to `path`. Raises BundleError."""
        shapes = [one.rows.shape for one in self.values()]
        if not self.are_replaceable or [one.rows.shape for one in values] != shapes:
            raise BundleError(f"{path.name}: its memory banks cannot be replaced", "build the bundle again")
        for tap, one in zip(self._tensors, values, strict=True):
            rows, usual = (torch.from_numpy(part.astype(np.float32)) for part in (one.rows, one.usual))
            nearest = NearestNormal(rows, 1, usual)
            for part in _PARTS:
                value = np.ascontiguousarray(getattr(nearest, part).numpy())
                tap[part].CopyFrom(numpy_helper.from_array(value, tap[part].name))
        onnx.checker.check_model(self._model)
        onnx.save(self._model, str(path))

    def _find_taps(self) -> list[dict[str, onnx.TensorProto]]:
        found: dict[str, dict[str, onnx.TensorProto]] = {}
        for tensor in self._model.graph.initializer:
            owner, _, part = tensor.name.rpartition(".")
            if part in _PARTS and owner.rpartition(".")[0].endswith("banks"):
                found.setdefault(owner, {})[part] = tensor
        return [found[owner] for owner in sorted(found, key=lambda owner: int(owner.rpartition(".")[2]))]
