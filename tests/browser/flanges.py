"""Pictures for the pages: the demo's flanges, all in one pose, and a bundle that knows what they should look like."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from deploy.demo.defects import DEFECTS
from deploy.demo.flange import IMAGE_PX, Drawing, Pose, turned_flange
from deploy.demo.light import Exposure, photograph
from deploy.demo.lots import STREAM_LOTS
from inspection.bundle.manifest import Manifest
from inspection.calibration.policy import Thresholds
from inspection.calibration.thresholds import Limits
from inspection.images.decode import encode_png
from inspection.images.preprocess import Preprocessing
from tests.bundles import make_bundle

INPUT_PX = 256
LIMITS = Thresholds(
    local_score=Limits(pass_limit=0.11, fail_limit=0.19), global_score=Limits(pass_limit=0.04, fail_limit=0.06)
)


def flange_picture(serial: int, defect: str | None = None) -> np.ndarray:
    """uint8 [256, 256, 3] RGB. The tiny student cannot follow a part that turns, so only surface and noise vary."""
    chance, harm = np.random.default_rng([7, serial]), np.random.default_rng([11, serial])
    lot = STREAM_LOTS[0]
    pose = Pose(x_px=IMAGE_PX / 2, y_px=IMAGE_PX / 2, turn=0.0, size=1.0)
    light = Exposure(
        gain=lot.exposure,
        lamp_degrees=lot.lamp_degrees,
        lamp_height=1.15,
        gradient=(0.0, 0.0),
        blur_px=0.5,
        noise_seed=serial,
    )
    surface = turned_flange(Drawing(), pose, lot, f"E{serial:04d}", chance)
    if defect is not None:
        surface = DEFECTS[defect](surface, harm)
    return photograph(surface, lot, light)


def make_flange_bundle(directory: Path) -> Manifest:
    """A bundle that holds scratches, dents and stains, and passes sound flanges."""
    mean = np.mean([flange_picture(9000 + number) for number in range(6)], axis=0)
    expected = cv2.resize(mean, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA).round().astype(np.uint8)
    golden = tuple(
        encode_png(flange_picture(9100 + number, kind)) for number, kind in enumerate((None, "stain", "dent"))
    )
    return make_bundle(
        directory,
        preprocessing=Preprocessing(input_px=INPUT_PX),
        thresholds=LIMITS,
        expected=expected,
        golden_pngs=golden,
    )
