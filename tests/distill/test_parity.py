"""The gate between torch and ONNX Runtime: rounding passes, anything more does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from distill.export import export_onnx
from distill.parity import certify_parity
from distill.stages import score_in_onnx, score_in_torch
from inspection.bundle.self_test import SCORE_TOLERANCE
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from inspection.errors import ParityError
from inspection.scoring.session import Scores, StudentSession
from tests.distill.small import SIDE_PX, random_graph, washer_pixels

# Bands of width 2 and 4.
THRESHOLDS = Thresholds(
    local_score=Limits(pass_limit=4.0, fail_limit=6.0), global_score=Limits(pass_limit=6.0, fail_limit=10.0)
)


def scores(local: list[float], whole: list[float], peak: float = 0.0) -> Scores:
    maps = np.full((len(local), 3, 3), peak, np.float32)
    return Scores(maps, np.array(local, np.float32), np.array(whole, np.float32))


def test_equal_answers_are_certified() -> None:
    same = scores([1, 5, 7], [2, 2, 2])
    parity = certify_parity(same, same, THRESHOLDS)
    assert (parity.image_count, parity.verdict_flip_count) == (3, 0)
    assert parity.largest_score_difference == parity.largest_map_difference == 0
    assert parity.tolerance == SCORE_TOLERANCE


def test_differences_are_told_in_widths_of_the_hold_band() -> None:
    parity = certify_parity(scores([1, 2], [2, 2], 0.0), scores([1.01, 2], [2, 2.03], 0.004), THRESHOLDS)
    # 0.01 of a band of 2, 0.03 of a band of 4: the larger counts.
    assert parity.largest_score_difference == pytest.approx(0.0075, rel=1e-3)
    assert parity.largest_map_difference == pytest.approx(0.002, rel=1e-3)


@pytest.mark.parametrize(
    ("local", "whole"),
    [([1.05, 2], [2, 2]), ([1, 2], [2, 1.9]), ([float("nan"), 2], [2, 2]), ([1, 2], [2, float("nan")])],
)
def test_scores_that_differ_are_refused(local: list[float], whole: list[float]) -> None:
    with pytest.raises(ParityError, match=r"student\.onnx: scores differ from torch by .* no bundle was written"):
        certify_parity(scores([1, 2], [2, 2]), scores(local, whole), THRESHOLDS)


@pytest.mark.parametrize(
    ("local", "whole"),
    [((3.99, 4.01), (2, 2)), ((5.99, 6.01), (2, 2)), ((1, 1), (5.98, 6.02)), ((1, 1), (9.98, 10.02))],
)
def test_a_verdict_that_flips_is_refused_though_scores_hardly_differ(
    local: tuple[float, float], whole: tuple[float, float]
) -> None:
    with pytest.raises(ParityError, match="1 verdicts flip"):
        certify_parity(scores([local[0]], [whole[0]]), scores([local[1]], [whole[1]]), THRESHOLDS)


def test_answers_that_are_no_numbers_on_both_sides_are_no_parity() -> None:
    lost = scores([float("nan"), 2], [2, 2])
    with pytest.raises(ParityError):
        certify_parity(lost, lost, THRESHOLDS)


def test_a_score_on_its_limit_may_fall_on_either_side() -> None:
    # The pass limit is itself a calibration score: rounding must not fail the bundle.
    parity = certify_parity(scores([4.0], [2]), scores([4.00001], [2]), THRESHOLDS)
    assert parity.verdict_flip_count == 0
    assert 0 < parity.largest_score_difference < 1e-4


def tamper(path: Path) -> None:
    """Change the weights of one convolution by a tenth."""
    model = onnx.load(str(path))
    tensor = max(model.graph.initializer, key=lambda one: np.prod(one.dims) if len(one.dims) == 4 else 0)
    values = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array((values * 1.1).astype(np.float32), tensor.name))
    onnx.save(model, str(path))


def test_a_graph_with_other_weights_is_refused(tmp_path: Path) -> None:
    graph, pixels = random_graph(), washer_pixels(8, first=60)
    path = tmp_path / "student.onnx"
    export_onnx(graph, path, SIDE_PX)
    expected = score_in_torch(graph, pixels)
    local, whole = expected.local_score, expected.global_score
    limits = Thresholds(
        local_score=Limits(pass_limit=float(local.max()) + 1e-3, fail_limit=float(2 * local.max())),
        global_score=Limits(pass_limit=float(whole.max()) + 1e-3, fail_limit=float(2 * whole.max())),
    )
    sound = score_in_onnx(StudentSession(path, threads=1), pixels)
    assert certify_parity(expected, sound, limits).largest_score_difference < 5e-5
    tamper(path)
    with pytest.raises(ParityError):
        certify_parity(expected, score_in_onnx(StudentSession(path, threads=1), pixels), limits)
