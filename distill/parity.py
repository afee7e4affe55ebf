"""The parity certificate: does ONNX Runtime answer as torch does? Where it does not, there is no bundle."""

import numpy as np

from inspection.bundle.manifest import Parity
from inspection.bundle.self_test import SCORE_TOLERANCE
from inspection.calibration.policy import Thresholds, judge
from inspection.errors import ParityError
from inspection.scoring.session import Scores


def certify_parity(torch_scores: Scores, onnx_scores: Scores, thresholds: Thresholds) -> Parity:
    """Compare both runtimes on the same images; raises ParityError where scores or verdicts differ.

    Differences are in widths of the hold band, the unit that matters to a verdict.
    """
    local_width = thresholds.local_score.fail_limit - thresholds.local_score.pass_limit
    global_width = thresholds.global_score.fail_limit - thresholds.global_score.pass_limit
    difference = max(
        _largest(torch_scores.local_score, onnx_scores.local_score) / local_width,
        _largest(torch_scores.global_score, onnx_scores.global_score) / global_width,
    )
    verdicts = [
        [
            judge(float(local), float(whole), thresholds).verdict
            for local, whole in zip(s.local_score, s.global_score, strict=True)
        ]
        for s in (torch_scores, onnx_scores)
    ]
    # A score within rounding of a limit may fall on either side of it: that is no disagreement of the runtimes.
    flips = sum(
        one != other and not _on_a_limit(float(local), float(whole), thresholds)
        for one, other, local, whole in zip(*verdicts, onnx_scores.local_score, onnx_scores.global_score, strict=True)
    )
    if flips or not difference <= SCORE_TOLERANCE:
        raise ParityError(
            f"student.onnx: scores differ from torch by {difference:.3g} of the hold band, {flips} verdicts flip",
            "export with another opset or version of torch; no bundle was written",
        )
    return Parity(
        image_count=len(onnx_scores),
        largest_score_difference=difference,
        largest_map_difference=_largest(torch_scores.anomaly_map, onnx_scores.anomaly_map) / local_width,
        tolerance=SCORE_TOLERANCE,
        verdict_flip_count=flips,
    )


def _largest(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first - second).max())


def _on_a_limit(local_score: float, global_score: float, thresholds: Thresholds) -> bool:
    for score, limits in ((local_score, thresholds.local_score), (global_score, thresholds.global_score)):
        margin = 1e-3 * (limits.fail_limit - limits.pass_limit)
        if min(abs(score - limits.pass_limit), abs(score - limits.fail_limit)) <= margin:
            return True
    return False
