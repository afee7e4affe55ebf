"""A change of light is the global score's to tell: local verdicts stand."""

from __future__ import annotations

import numpy as np

from inspection.bundle.reader import open_bundle
from inspection.calibration.metrics import image_auroc
from tests.distill.conftest import Built
from tests.pretrain.washers import washer

PARTS = 40


def test_a_lamp_to_one_side_moves_the_global_score_and_leaves_local_verdicts_standing(built: Built) -> None:
    inspector = open_bundle(built.bundle, threads=1)
    plain = np.stack([washer(seed) for seed in range(600, 600 + PARTS)])
    side = np.linspace(-1, 1, plain.shape[2])[None, None, :, None]
    lit = np.clip(plain * (1 + 0.4 * side), 0, 255).astype(np.uint8)
    before, after = inspector.session.score(plain), inspector.session.score(lit)
    is_lit = np.arange(2 * PARTS) >= PARTS
    of_view = image_auroc(np.r_[before.global_score, after.global_score], is_lit)
    of_regions = image_auroc(np.r_[before.local_score, after.local_score], is_lit)
    assert of_view is not None
    assert of_regions is not None
    assert of_view > 0.75
    assert of_view > of_regions + 0.1
    limits = inspector.manifest.thresholds
    assert (after.local_score > limits.local_score.pass_limit).mean() <= 0.1
    assert (after.global_score > limits.global_score.pass_limit).mean() >= 0.3
