"""Strips: a bundle that cuts in tiles judges a line-scan camera's image as a whole, wherever the defect lies."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inspection.bundle.manifest import STUDENT_FILE
from inspection.bundle.reader import open_bundle, read_manifest
from inspection.images.decode import encode_png
from inspection.images.preprocess import Preprocessing
from inspection.images.quality import QualityLimits
from inspection.images.tiles import Tiling
from inspection.inspector import Inspector, PreparedImage
from inspection.profile import CropRegion, StationProfile
from inspection.scoring import tiled
from inspection.scoring.session import Scores, StudentSession
from inspection.verdict import Inspection, Reason, Verdict
from tests.bundles import INPUT_PX, make_bundle, part_picture

PREPROCESSING = Preprocessing(input_px=INPUT_PX, tiles=Tiling(tile_px=128, overlap=0.25))
HEIGHT_PX, WIDTH_PX = 256, 1000


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    directory = tmp_path_factory.mktemp("strips") / "bundle"
    make_bundle(directory, preprocessing=PREPROCESSING)
    return open_bundle(directory, threads=1)


def strip(spot: tuple[int, int] | None = None, *, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """A mid-grey strip, uint8 [HEIGHT_PX, WIDTH_PX, 1], with a dark disc of 24 px at (x, y)."""
    picture = 128.0 + noise * np.random.default_rng(seed).normal(0, 1, (HEIGHT_PX, WIDTH_PX))
    if spot is not None:
        shade = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
        cv2.circle(shade, spot, 12, 1.0, -1)
        picture -= 100.0 * shade
    return np.clip(picture, 0, 255).astype(np.uint8)[:, :, None]


def judged(inspector: Inspector, picture: np.ndarray) -> Inspection:
    return inspector.inspect(encode_png(picture))


def test_a_good_strip_passes_and_its_map_covers_all_of_it(inspector: Inspector) -> None:
    answer = judged(inspector, strip(noise=4.0))
    assert (answer.verdict, answer.reason) == (Verdict.PASS, Reason.NORMAL)
    assert (answer.width_px, answer.height_px) == (WIDTH_PX, HEIGHT_PX)
    assert answer.anomaly_map is not None
    # A cell is 4 of 64 pixels of a tile: 8 of the strip's.
    assert answer.anomaly_map.shape == (HEIGHT_PX // 8, WIDTH_PX // 8)


@pytest.mark.parametrize("x", [100, 500, 900])
@pytest.mark.parametrize("y", [40, 128, 200])
def test_a_defect_is_found_where_it_is(inspector: Inspector, x: int, y: int) -> None:
    answer = judged(inspector, strip((x, y), noise=4.0))
    assert (answer.verdict, answer.reason) == (Verdict.FAIL, Reason.LOCAL_FAIL)
    region = answer.regions[0]
    assert region.peak_score == pytest.approx(answer.local_score)
    assert region.x_px <= x <= region.x_px + region.width_px
    assert region.y_px <= y <= region.y_px + region.height_px
    assert region.width_px < 60
    assert region.height_px < 60


def test_a_defect_on_a_seam_scores_as_in_the_middle(inspector: Inspector) -> None:
    layout = PREPROCESSING.lay_tiles(WIDTH_PX, HEIGHT_PX)
    assert layout is not None
    assert len(layout.left_px) > 5
    # A whole cell on: the disc lies on the grid of cells as in the middle.
    middle = layout.left_px[2] + layout.side_px // 2 // 8 * 8
    edges = [layout.left_px[3], layout.left_px[2] + layout.side_px, layout.left_px[4]]
    places = {x // 8 * 8 + shift for x in edges for shift in (-16, -8, 0, 8, 16)}
    expected = judged(inspector, strip((middle, 72))).local_score
    assert expected is not None
    assert len(places) > 8
    for x in sorted(places):
        assert judged(inspector, strip((x, 72))).local_score == pytest.approx(expected, rel=0.02)


def blur_student(path: Path, side: int) -> None:
    """A student with a field of view of 9 x 9 pixels and zero padding: |x - its surroundings' mean| over cells of 4."""
    kernel = np.full((1, 1, 9, 9), -1 / 81, np.float32)
    kernel[0, 0, 4, 4] += 1
    constants = {
        "white": np.array(255, np.float32),
        "kernel": kernel,
        "first": np.array([1], np.int64),
        "cells": np.array([1, 2], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["grey"], ["mean"], axes=[3], keepdims=1),
        helper.make_node("Transpose", ["mean"], ["pixels"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["pixels", "white"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "kernel"], ["edges"], pads=[4, 4, 4, 4]),
        helper.make_node("Abs", ["edges"], ["sizes"]),
        helper.make_node("AveragePool", ["sizes"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Squeeze", ["pooled", "first"], ["anomaly_map"]),
        helper.make_node("ReduceMax", ["anomaly_map"], ["local_score"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMean", ["anomaly_map"], ["global_score"], axes=[1, 2], keepdims=0),
        helper.make_node("Transpose", ["pooled"], ["patch_embeddings"], perm=[0, 2, 3, 1]),
        helper.make_node("ReduceMean", ["patch_embeddings"], ["view_embedding"], axes=[1, 2], keepdims=0),
    ]
    outputs = ("anomaly_map", "local_score", "global_score", "patch_embeddings", "view_embedding")
    graph = helper.make_graph(
        nodes,
        "blur_student",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["B", side, side, 3])],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def test_a_student_that_cannot_see_beyond_its_tile_leaves_no_seam(built: Path, tmp_path: Path) -> None:
    blur_student(tmp_path / STUDENT_FILE, INPUT_PX)
    manifest = read_manifest(built).model_copy(
        update={"preprocessing": PREPROCESSING, "quality_limits": QualityLimits(min_deviation=0)}
    )
    seeing = Inspector(StudentSession(tmp_path / STUDENT_FILE, threads=1), manifest)
    empty = judged(seeing, strip()).anomaly_map
    assert empty is not None
    assert empty[:, 0].min() > 0.02
    # Padding is a strong edge, but only where the strip itself ends.
    assert empty[4:-4, 4:-4].max() < 1e-4
    layout = PREPROCESSING.lay_tiles(WIDTH_PX, HEIGHT_PX)
    assert layout is not None
    middle = layout.left_px[2] + layout.side_px // 2 // 8 * 8
    seams = [start // 8 * 8 for start in layout.left_px[2:5]]

    def peak(x: int) -> float:
        found = judged(seeing, strip((x, 72))).anomaly_map
        assert found is not None
        return float(found[4:-4, 4:-4].max())

    assert [peak(x) for x in seams] == pytest.approx([peak(middle)] * 3, rel=0.02)


def test_a_strip_that_is_wrong_at_one_end_is_unusual_as_a_view(inspector: Inspector) -> None:
    picture = strip(noise=4.0)
    good = judged(inspector, picture).global_score
    picture[:, 850:] = np.clip(picture[:, 850:] * 0.8, 0, 255)
    answer = judged(inspector, picture)
    assert good is not None
    assert answer.global_score is not None
    assert answer.global_score > 3 * good
    assert answer.verdict is not Verdict.PASS


def test_regions_lie_in_the_whole_image_also_of_a_stations_crop(inspector: Inspector) -> None:
    crop = CropRegion(x_px=304, y_px=64, width_px=400, height_px=160)
    answer = judged(inspector.for_station(StationProfile(crop=crop)), strip((500, 128), noise=4.0))
    region = answer.regions[0]
    assert region.x_px <= 500 <= region.x_px + region.width_px
    assert region.y_px <= 128 <= region.y_px + region.height_px
    outside = judged(inspector.for_station(StationProfile(crop=crop)), strip((100, 128), noise=4.0))
    assert outside.verdict is Verdict.PASS


def test_strips_of_several_sizes_are_scored_together_as_alone(inspector: Inspector) -> None:
    pictures = [strip((500, 128)), part_picture(3, spot=0.9), strip(noise=4.0), strip(noise=3.0)[:200, :600]]
    prepared = [inspector.prepare(encode_png(picture)) for picture in pictures]
    images = [image for image in prepared if isinstance(image, PreparedImage)]
    assert len(images) == 4
    together = inspector.conclude(images, inspector.score(images))
    for image, answer in zip(images, together, strict=True):
        [alone] = inspector.conclude([image], inspector.score([image]))
        assert answer == alone
        assert np.array_equal(answer.anomaly_map, alone.anomaly_map)


def test_no_more_tiles_are_in_hand_than_memory_is_meant_to_hold(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    score = StudentSession.score

    def counting(session: StudentSession, inputs: np.ndarray) -> Scores:
        counts.append(len(inputs))
        return score(session, inputs)

    monkeypatch.setattr(StudentSession, "score", counting)
    monkeypatch.setattr(tiled, "TILES_AT_ONCE", 5)
    prepared = inspector.prepare(encode_png(strip(noise=4.0)))
    assert isinstance(prepared, PreparedImage)
    inspector.score([prepared, prepared])
    assert sum(counts) == 2 * len(prepared.pixels)
    assert max(counts) == 5


def test_one_tile_that_is_no_number_holds_the_strip(inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    score = StudentSession.score

    def broken(session: StudentSession, inputs: np.ndarray) -> Scores:
        scores = score(session, inputs)
        scores.anomaly_map[0, 8, 8] = np.nan
        return scores

    monkeypatch.setattr(StudentSession, "score", broken)
    answer = judged(inspector, strip(noise=4.0))
    assert (answer.verdict, answer.reason) == (Verdict.HOLD, Reason.INTERNAL)
