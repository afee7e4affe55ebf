"""A bank or scale put into an exported graph scores as torch does with the same one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from distill.export import export_onnx
from distill.graph_banks import BankValues, GraphBanks
from distill.graph_level import GraphLevel
from distill.graph_scales import GraphScales
from distill.scoring_graph import Scales, ScoringGraph
from distill.stages import score_in_onnx, score_in_torch
from inspection.errors import BundleError
from inspection.scoring.session import Scores, StudentSession
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.nearest_normal import NearestNormal, local_excess, view_level
from pretrain.evaluate.tap_banks import TapBanks, usual_level_of
from tests.distill.small import SIDE_PX, random_graph, washer_pixels


def assert_close(one: Scores, other: Scores) -> None:
    assert np.allclose(one.anomaly_map, other.anomaly_map, atol=1e-4)
    assert np.allclose(one.local_score, other.local_score, atol=1e-4)
    assert np.allclose(one.global_score, other.global_score, atol=1e-4)


@pytest.mark.parametrize("neighbours", [1, 3])
def test_a_replaced_bank_scores_as_torch_does(neighbours: int, tmp_path: Path) -> None:
    graph, pixels = random_graph(neighbours=neighbours), washer_pixels(4)
    export_onnx(graph, tmp_path / "a.onnx", SIDE_PX)
    banks = GraphBanks(tmp_path / "a.onnx")
    assert banks.are_replaceable
    chance = np.random.default_rng(0)
    others, nearest = [], []
    for found, bank in zip(banks.values(), graph.banks.banks, strict=True):
        assert isinstance(bank, NearestNormal)
        assert np.array_equal(found.rows, bank.bank.numpy())
        assert np.array_equal(found.usual, bank.usual[:, 0].numpy())
        rows = chance.normal(size=found.rows.shape).astype(np.float32)
        usual = chance.uniform(size=len(rows)).astype(np.float32)
        others.append(BankValues(rows, usual))
        nearest.append(NearestNormal(torch.from_numpy(rows), neighbours, torch.from_numpy(usual)))
    banks.replace(others, tmp_path / "b.onnx")
    other = ScoringGraph(graph.student, TapBanks(nearest, graph.banks.spreads))
    other.eval()
    before = score_in_onnx(StudentSession(tmp_path / "a.onnx", threads=1), pixels)
    after = score_in_onnx(StudentSession(tmp_path / "b.onnx", threads=1), pixels)
    assert_close(after, score_in_torch(other, pixels))
    assert not np.allclose(after.local_score, before.local_score)


def test_another_shape_or_another_kind_of_graph_is_refused(tmp_path: Path) -> None:
    graph = random_graph()
    export_onnx(graph, tmp_path / "a.onnx", SIDE_PX)
    banks = GraphBanks(tmp_path / "a.onnx")
    values = banks.values()
    for others in ([BankValues(one.rows[:5], one.usual[:5]) for one in values], values[:1]):
        with pytest.raises(BundleError, match=r"b\.onnx: its memory banks cannot be replaced"):
            banks.replace(others, tmp_path / "b.onnx")
    model = onnx.load(str(tmp_path / "a.onnx"))
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.replace("banks.0.bank", "banks.0.other")
    onnx.save(model, str(tmp_path / "c.onnx"))
    assert not GraphBanks(tmp_path / "c.onnx").are_replaceable


def test_cells_are_those_the_banks_are_asked_about(tmp_path: Path) -> None:
    graph, pixels = random_graph(), washer_pixels(20)
    export_onnx(graph, tmp_path / "a.onnx", SIDE_PX)
    with torch.inference_mode():
        expected = graph.student(as_input(pixels, torch.device("cpu")))
    found = GraphBanks(tmp_path / "a.onnx").cells(pixels.numpy())
    assert len(found) == len(expected) == 3
    for cells, maps in zip(found, expected, strict=True):
        assert np.allclose(cells, maps.permute(0, 2, 3, 1).numpy(), atol=1e-4)


def test_scales_are_measured_and_set_as_torch_does(tmp_path: Path) -> None:
    graph, pixels = random_graph(scales=Scales(1.5, 0.25)), washer_pixels(20)
    export_onnx(graph, tmp_path / "a.onnx", SIDE_PX)
    scales = GraphScales(tmp_path / "a.onnx")
    assert scales.are_there
    measured = scales.measure(pixels.numpy())
    with torch.inference_mode():
        _, of_bank, of_flaws = graph.separate_maps(as_input(pixels, torch.device("cpu")))
    expected = [float(local_excess(one).mean()) for one in (of_bank, of_flaws)]
    assert measured == pytest.approx(expected, rel=1e-3)
    scales.replace((3.0, 0.5), tmp_path / "b.onnx")
    graph.scales = Scales(3.0, 0.5)
    assert_close(score_in_onnx(StudentSession(tmp_path / "b.onnx", threads=1), pixels), score_in_torch(graph, pixels))


def test_a_graph_without_a_flaw_head_has_no_scales(tmp_path: Path) -> None:
    export_onnx(random_graph(), tmp_path / "a.onnx", SIDE_PX)
    assert not GraphScales(tmp_path / "a.onnx").are_there


def test_the_usual_level_is_measured_as_torch_has_it_and_replaced(tmp_path: Path) -> None:
    graph, pixels = random_graph(), washer_pixels(20)
    with torch.no_grad():
        maps = graph.banks(graph.student(pixels.permute(0, 3, 1, 2).float() / 255))
        expected = usual_level_of(view_level(maps))
    # A level that is there already does not change what is measured.
    for before in (0.0, float(expected) + 1):
        graph.banks.usual_level.fill_(before)
        export_onnx(graph, tmp_path / "a.onnx", SIDE_PX)
        assert GraphLevel(tmp_path / "a.onnx").measure(pixels) == pytest.approx(float(expected), rel=1e-4)
    GraphLevel(tmp_path / "a.onnx").replace(float(expected), tmp_path / "b.onnx")
    graph.banks.usual_level.copy_(expected)
    assert_close(score_in_onnx(StudentSession(tmp_path / "b.onnx", threads=1), pixels), score_in_torch(graph, pixels))


def test_a_graph_with_a_flaw_head_knows_no_usual_level(tmp_path: Path) -> None:
    export_onnx(random_graph(scales=Scales(1.0, 1.0)), tmp_path / "a.onnx", SIDE_PX)
    assert not GraphLevel(tmp_path / "a.onnx").is_there
