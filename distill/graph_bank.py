"""The memory bank inside an exported graph: read, and replaced without torch."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from inspection.errors import BundleError

_BANK = "nearest.bank"
_SQUARES = "nearest.squares"
_USUAL = "nearest.usual"


class GraphBank:
    """The bank [M, D] of a student's ONNX file, and the usual distances [M] at its entries.

    The exporter keeps it up to three times: transposed for the product that ranks, upright for the look-up of what
    ranks first, and as the squared lengths. All are found by their values, since some lose their names.
    """

    def __init__(self, path: Path) -> None:
        self._model = onnx.load(str(path))
        tensors = {tensor.name: tensor for tensor in self._model.graph.initializer}
        named = [name for name in tensors if name == _BANK or name.endswith(f".{_BANK}")]
        self._transposed: TensorProto | None = tensors[named[0]] if len(named) == 1 else None
        if self._transposed is None:
            return
        bank = numpy_helper.to_array(self._transposed).T
        self.rows: np.ndarray = bank
        self._upright = [one for one in tensors.values() if _equal(one, bank)]
        self._squares = [one for one in tensors.values() if one.name.endswith(_SQUARES)]
        self._usual = [one for one in tensors.values() if one.name.endswith(_USUAL)]

    @property
    def is_replaceable(self) -> bool:
        """Is there exactly one bank, in the form this version exports?"""
        return self._transposed is not None and bool(self._squares) and len(self._usual) == 1

    @property
    def usual(self) -> np.ndarray:
        """Float [M], of a replaceable bank."""
        values: np.ndarray = numpy_helper.to_array(self._usual[0])[:, 0]
        return values

    def replace(self, rows: np.ndarray, usual: np.ndarray, path: Path) -> None:
        """Write the graph with another bank, float [M, D] of the same shape, to `path`. Raises BundleError."""
        if not self.is_replaceable or rows.shape != self.rows.shape:
            raise BundleError(f"{path.name}: its memory bank cannot be replaced", "build the bundle again")
        assert self._transposed is not None
        rows = rows.astype(np.float32)
        _store(self._transposed, np.ascontiguousarray(rows.T))
        for tensor in self._upright:
            _store(tensor, rows)
        for tensor in self._squares:
            _store(tensor, np.square(rows).sum(1))
        _store(self._usual[0], usual.astype(np.float32)[:, None])
        onnx.checker.check_model(self._model)
        onnx.save(self._model, str(path))


def _equal(tensor: TensorProto, values: np.ndarray) -> bool:
    return list(tensor.dims) == list(values.shape) and np.array_equal(numpy_helper.to_array(tensor), values)


def _store(tensor: TensorProto, values: np.ndarray) -> None:
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
