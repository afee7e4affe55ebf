"""A real bundle without training: a tiny ONNX student that compares each image with what it should look like."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from deploy.bench.unproven import NOTHING, unproven_manifest
from inspection.bundle.manifest import GOLDEN_FOLDER, STUDENT_FILE, Calibration, GoldenImage, Manifest
from inspection.bundle.writer import write_bundle
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits, Promise
from inspection.images.decode import encode_png
from inspection.images.digest import sha256_of_file
from inspection.images.preprocess import Preprocessing
from inspection.images.quality import QualityLimits
from inspection.inspector import Inspector
from inspection.scoring.session import StudentSession

INPUT_PX = 64
PATCH_PX = 4
THRESHOLDS = Thresholds(
    local_score=Limits(pass_limit=0.12, fail_limit=0.24), global_score=Limits(pass_limit=0.06, fail_limit=0.12)
)


def part_picture(seed: int = 0, *, spot: float = 0.0, height_px: int = 96, width_px: int = 96) -> np.ndarray:
    """A mid-grey part, uint8 [H, W, 1], with a little noise; `spot` is the contrast of a dark spot on it, 0 to 1.

    With `make_bundle`'s defaults a spot of 0 passes, 0.36 is held and 0.9 fails.
    """
    rng = np.random.default_rng(seed)
    picture = np.full((height_px, width_px), 128.0) + rng.normal(0, 4, (height_px, width_px))
    if spot:
        side = min(height_px, width_px)
        margin = side // 4
        center = (int(rng.integers(margin, width_px - margin)), int(rng.integers(margin, height_px - margin)))
        shade = np.zeros((height_px, width_px), np.float32)
        cv2.circle(shade, center, side // 9, 1.0, -1)
        picture -= 128.0 * spot * shade
    return np.clip(picture, 0, 255).astype(np.uint8)[:, :, None]


def part_png(seed: int = 0, *, spot: float = 0.0, height_px: int = 96, width_px: int = 96) -> bytes:
    """`part_picture` as a camera sends it."""
    return encode_png(part_picture(seed, spot=spot, height_px=height_px, width_px=width_px))


def make_bundle(
    directory: Path,
    *,
    preprocessing: Preprocessing | None = None,
    thresholds: Thresholds = THRESHOLDS,
    expected: np.ndarray | None = None,
    golden_pngs: tuple[bytes, ...] | None = None,
) -> Manifest:
    """Write a bundle at `directory`. `expected` is what a good part looks like, uint8 [input_px, input_px, 3]."""
    preprocessing = preprocessing or Preprocessing(input_px=INPUT_PX)
    side = preprocessing.input_px
    expected = np.full((side, side, 3), 128, np.uint8) if expected is None else expected
    staging = directory.with_name(directory.name + ".staging")
    (staging / GOLDEN_FOLDER).mkdir(parents=True)
    onnx.save(tiny_student(expected), staging / STUDENT_FILE)
    pngs = (part_png(1), part_png(2, spot=0.36), part_png(3, spot=0.9)) if golden_pngs is None else golden_pngs
    for number, png in enumerate(pngs):
        (staging / GOLDEN_FOLDER / f"{number}.png").write_bytes(png)
    files = [STUDENT_FILE, *(f"{GOLDEN_FOLDER}/{number}.png" for number in range(len(pngs)))]
    digests = {name: sha256_of_file(staging / name) for name in files}
    draft = _manifest(preprocessing, thresholds, digests)
    inspector = Inspector(StudentSession(staging / STUDENT_FILE, threads=1), draft)
    golden = tuple(_golden(inspector, staging, name) for name in files[1:])
    return write_bundle(staging, directory, draft.model_copy(update={"golden_images": golden}))


def tiny_student(expected: np.ndarray) -> onnx.ModelProto:
    """The bundle's contract in nine nodes. Anomaly map: mean absolute difference from `expected` over each patch.

    Scales with 0..1 grey values; the local score is the map's maximum, the global score its mean.
    """
    side = expected.shape[0]
    grid = side // PATCH_PX
    constants: dict[str, np.ndarray] = {
        "expected": expected.transpose(2, 0, 1)[None].astype(np.float32) / 255,
        "white": np.array(255, np.float32),
        "channel": np.array([1], np.int64),
        "patches": np.array([1, 2], np.int64),
    }
    patch = [PATCH_PX, PATCH_PX]
    nodes = [
        helper.make_node("Cast", ["images"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["grey", "white"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["pixels"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["pixels", "expected"], ["signed"]),
        helper.make_node("Abs", ["signed"], ["difference"]),
        helper.make_node("AveragePool", ["difference"], ["pooled"], kernel_shape=patch, strides=patch),
        helper.make_node("ReduceMean", ["pooled", "channel"], ["anomaly_map"], keepdims=0),
        helper.make_node("ReduceMax", ["anomaly_map", "patches"], ["local_score"], keepdims=0),
        helper.make_node("ReduceMean", ["anomaly_map", "patches"], ["global_score"], keepdims=0),
        helper.make_node("Transpose", ["pooled"], ["patch_embeddings"], perm=[0, 2, 3, 1]),
        helper.make_node("ReduceMean", ["patch_embeddings", "patches"], ["view_embedding"], keepdims=0),
    ]
    shapes: dict[str, list[int | str]] = {
        "anomaly_map": ["B", grid, grid],
        "local_score": ["B"],
        "global_score": ["B"],
        "patch_embeddings": ["B", grid, grid, 3],
        "view_embedding": ["B", 3],
    }
    graph = helper.make_graph(
        nodes,
        "tiny_student",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["B", side, side, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _golden(inspector: Inspector, staging: Path, name: str) -> GoldenImage:
    answer = inspector.inspect((staging / name).read_bytes(), name=name)
    assert answer.local_score is not None, answer.detail
    assert answer.global_score is not None, answer.detail
    return GoldenImage(
        file=name, local_score=answer.local_score, global_score=answer.global_score, verdict=answer.verdict
    )


def _manifest(preprocessing: Preprocessing, thresholds: Thresholds, digests: dict[str, str]) -> Manifest:
    promise = Promise(flagged_rate_bound=0.05, confidence=0.95, image_count=59, target_rate=0.05, needed_image_count=59)
    return unproven_manifest(
        "tiny",
        digests,
        preprocessing=preprocessing,
        thresholds=thresholds,
        quality_limits=QualityLimits(),
        calibration=Calibration(
            split="by image",
            warning=None,
            images_sha256=NOTHING,
            image_count=59,
            local_promise=promise,
            global_promise=promise,
        ),
    )
