"""The exported graph: one contract, any batch, the same answers as torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from distill.export import export_onnx
from distill.scoring_graph import Scales, ScoringGraph
from inspection.scoring.session import INPUT, OUTPUTS, StudentSession
from pretrain.evaluate.nearest_normal import NearestNormal
from tests.distill.small import SIDE_PX, random_graph, washer_pixels

SCALED = Scales(bank=2.0, flaw=0.5)


@pytest.fixture(scope="module", params=[None, SCALED], ids=["bank", "bank and flaw head"])
def graph(request: pytest.FixtureRequest) -> ScoringGraph:
    return random_graph(neighbours=3, scales=request.param)


@pytest.fixture(scope="module")
def exported(graph: ScoringGraph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "student.onnx"
    export_onnx(graph, path, SIDE_PX)
    return path


@pytest.mark.parametrize("count", [1, 3, 16])
def test_onnx_runtime_answers_as_torch_does_for_any_batch(count: int, graph: ScoringGraph, exported: Path) -> None:
    pixels = washer_pixels(count, first=40)
    with torch.inference_mode():
        expected = graph(pixels)
    got = StudentSession(exported, threads=1, providers=["CPUExecutionProvider"]).run(pixels.numpy())
    for name, values in zip(OUTPUTS, expected, strict=True):
        assert got[name].shape == values.shape
        assert got[name].dtype == np.float32
        assert np.abs(got[name] - values.numpy()).max() < 1e-4 * max(1.0, float(values.abs().max())), name


def test_names_types_and_shapes_are_those_of_the_contract(exported: Path) -> None:
    graph = onnx.load(str(exported)).graph
    (entry,) = graph.input
    assert entry.name == INPUT
    assert entry.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    dims = entry.type.tensor_type.shape.dim
    assert dims[0].dim_param == "batch"
    assert [dim.dim_value for dim in dims[1:]] == [SIDE_PX, SIDE_PX, 3]
    assert [value.name for value in graph.output] == list(OUTPUTS)
    assert all(value.type.tensor_type.shape.dim[0].dim_param == "batch" for value in graph.output)


def test_all_weights_and_the_bank_are_inside(exported: Path) -> None:
    model = onnx.load(str(exported), load_external_data=False)
    assert not any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer)
    shapes = [tuple(tensor.dims) for tensor in model.graph.initializer]
    for bank in random_graph().banks.banks:
        assert isinstance(bank, NearestNormal)
        assert tuple(bank.bank.shape) in shapes
    assert {path.name for path in exported.parent.iterdir()} == {"student.onnx"}


def test_a_convolution_that_looks_twice_has_its_weights_at_hand(exported: Path) -> None:
    graph = onnx.load(str(exported)).graph
    weights = {tensor.name for tensor in graph.initializer}
    used = [node.input[1] for node in graph.node if node.op_type == "Conv"]
    assert set(used) <= weights
    assert len(set(used)) < len(used)


def test_export_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    export_onnx(random_graph(), tmp_path / "student.onnx", SIDE_PX)
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err == ""
