"""The memory bank inside an exported graph: read, and replaced."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from inspection.errors import BundleError
from pretrain.evaluate.nearest_normal import NearestNormal

_BANK, _KEYS, _USUAL, _LEVEL = "nearest.bank", "nearest.keys", "nearest.usual", "nearest.level"


class GraphBank:
    """The bank [M, D] of a student's ONNX file, and the usual distances [M] at its entries."""

    def __init__(self, path: Path) -> None:
        self._model = onnx.load(str(path))
        self._tensors = {
            name: [one for one in self._model.graph.initializer if one.name == name or one.name.endswith(f".{name}")]
            for name in (_BANK, _KEYS, _USUAL, _LEVEL)
        }

    @property
    def is_replaceable(self) -> bool:
        """Is there exactly one bank, in the form this version exports?"""
        return all(len(found) == 1 for found in self._tensors.values())

    @property
    def rows(self) -> np.ndarray:
        """Float [M, D], of a replaceable bank."""
        return numpy_helper.to_array(self._tensors[_BANK][0])

    @property
    def usual(self) -> np.ndarray:
        """Float [M], of a replaceable bank."""
        values: np.ndarray = numpy_helper.to_array(self._tensors[_USUAL][0])[:, 0]
        return values

    def replace(self, rows: np.ndarray, usual: np.ndarray, path: Path) -> None:
        """Write the graph with another bank, float [M, D] of the same shape, to `path`. Raises BundleError."""
        if not self.is_replaceable or rows.shape != self.rows.shape:
            raise BundleError(f"{path.name}: its memory bank cannot be replaced", "build the bundle again")
        bank, distances = (torch.from_numpy(one.astype(np.float32)) for one in (rows, usual))
        nearest = NearestNormal(bank, 1, distances)
        values = {_BANK: nearest.bank, _KEYS: nearest.keys, _USUAL: nearest.usual, _LEVEL: nearest.level}
        for name, value in values.items():
            tensor = self._tensors[name][0]
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value.numpy()), tensor.name))
        onnx.checker.check_model(self._model)
        onnx.save(self._model, str(path))
