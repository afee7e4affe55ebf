"""The usual level inside an exported graph, above which a view's level is taken for light: measured and set anew."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from distill.stages import score_in_onnx
from inspection.scoring.session import StudentSession
from pretrain.evaluate.nearest_normal import view_level
from pretrain.evaluate.tap_banks import usual_level_of

_NAME = "banks.usual_level"


class GraphLevel:
    """The constant `banks.usual_level`, where the graph has it: with a flaw head it has none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._model = onnx.load(str(path))
        self._tensors = [tensor for tensor in self._model.graph.initializer if tensor.name == _NAME]

    @property
    def is_there(self) -> bool:
        """Does the graph know a usual level?"""
        return bool(self._tensors)

    def measure(self, pixels: Tensor) -> float:
        """The usual level of normal images, uint8 [N, S, S, 3]."""
        scores = score_in_onnx(StudentSession(self._path), pixels)
        # What was taken off is the same for all cells, and the global score is the mean before.
        maps = torch.from_numpy(scores.anomaly_map)
        taken = torch.from_numpy(scores.global_score) - maps.mean(dim=(1, 2))
        return float(usual_level_of(view_level(maps) + taken))

    def replace(self, level: float, path: Path) -> None:
        """Write the graph with another usual level to `path`."""
        for tensor in self._tensors:
            tensor.CopyFrom(numpy_helper.from_array(np.array(level, np.float32), tensor.name))
        onnx.checker.check_model(self._model)
        onnx.save(self._model, str(path))
