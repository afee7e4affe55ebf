"""The figures of one form of the model on labeled pictures, each with the interval of a bootstrap."""

import cv2
import numpy as np

from distill.ledger import verdicts_of
from distill.poc.labeled import LabeledImages
from distill.poc.pixel_bins import binned_aupro, binned_pixel_auroc, count_pixels
from distill.poc.plant import VerdictRates
from distill.poc.resampling import draw_weights, interval, weighted_auroc, weighted_escape_rate
from distill.poc.stage_results import StageResult
from inspection.calibration.metrics import (
    aupro,
    auroc_by_defect,
    escape_rate_at_overkill,
    image_auroc,
    pixel_auroc,
)
from inspection.calibration.policy import score_part
from inspection.images.folders import GOOD
from inspection.images.truth import MASK_PX, read_mask
from inspection.verdict import Verdict

Figures = dict[str, object]
OVERKILLS = {"escape_rate_at_overkill_1pct": 0.01, "escape_rate_at_overkill_5pct": 0.05}


def stage_figures(result: StageResult, labeled: LabeledImages) -> Figures:
    """Plain numbers with their intervals; None where the pictures cannot give one.

    Pictures are ranked by their local score: the global one says that the light or the camera changed, and would rank
    every part of a darker day above all others. `part_auroc` ranks by both, as the verdict does.
    """
    defective = labeled.is_defective
    local, whole = (values.astype(np.float64) for values in (result.scores.local_score, result.scores.global_score))
    parts = [score_part(float(a), float(b), result.thresholds) for a, b in zip(local, whole, strict=True)]
    figures = label_figures(local, result.scores.anomaly_map, labeled)
    figures |= {"global_auroc": image_auroc(whole, defective), "part_auroc": image_auroc(np.array(parts), defective)}
    return figures | _verdict_figures(result, defective)


def label_figures(scores: np.ndarray, maps: np.ndarray, labeled: LabeledImages) -> Figures:
    """Figures of any detector: its scores [N] and maps [N, h, w] against the labels."""
    defective = labeled.is_defective
    weights = draw_weights(labeled.units, defective)
    figures: Figures = {"image_auroc": image_auroc(scores, defective)}
    figures["image_auroc_interval"] = interval(weighted_auroc(scores, defective, weights))
    figures |= _pixel_figures(maps, labeled, weights)
    for name, rate in OVERKILLS.items():
        figures[name] = escape_rate_at_overkill(scores, defective, rate)
        figures[f"{name}_interval"] = interval(weighted_escape_rate(scores, defective, weights, rate))
    return figures | _by_defect(scores, labeled, weights)


def verdict_rates(figures: Figures) -> VerdictRates | None:
    """The rates a shift's cost follows from; None where good or defective parts are missing."""
    names = ("good_failed_rate", "good_held_rate", "escape_rate", "defective_held_rate")
    values = [figures[name] for name in names]
    if not all(isinstance(value, float) for value in values):
        return None
    good_failed, good_held, passed, held = (float(str(value)) for value in values)
    return VerdictRates(good_failed=good_failed, good_held=good_held, defective_passed=passed, defective_held=held)


def pixel_truth(labeled: LabeledImages) -> tuple[np.ndarray, np.ndarray]:
    """Which pictures have a truth for every pixel, bool [N], and the masks of those, bool [n, 256, 256]."""
    known = np.array([not one.is_defective or one.mask is not None for one in labeled.pictures]) & labeled.judgeable
    masks = [read_mask(picture) for picture, is_known in zip(labeled.pictures, known, strict=True) if is_known]
    return known, np.stack(masks) if masks else np.zeros((0, MASK_PX, MASK_PX), bool)


def _pixel_figures(anomaly_maps: np.ndarray, labeled: LabeledImages, weights: np.ndarray) -> Figures:
    known, masks = pixel_truth(labeled)
    if not masks.any():
        return dict.fromkeys(("pixel_auroc", "pixel_auroc_interval", "aupro", "aupro_interval"))
    maps = np.stack(
        [cv2.resize(one, (MASK_PX, MASK_PX), interpolation=cv2.INTER_LINEAR) for one in anomaly_maps[known]]
    )
    bins, drawn = count_pixels(maps, masks), weights[:, known]
    return {
        "pixel_auroc": pixel_auroc(maps, masks),
        "pixel_auroc_interval": interval(binned_pixel_auroc(bins, drawn)),
        "aupro": aupro(maps, masks),
        "aupro_interval": interval(binned_aupro(bins, drawn)),
    }


def _by_defect(scores: np.ndarray, labeled: LabeledImages, weights: np.ndarray) -> Figures:
    names = np.array(labeled.defects)
    intervals: dict[str, object] = {}
    counts: dict[str, int] = {}
    for name in sorted(set(labeled.defects) - {GOOD}):
        chosen = (names == name) | (names == GOOD)
        counts[name] = int((names == name).sum())
        intervals[name] = interval(weighted_auroc(scores[chosen], names[chosen] != GOOD, weights[:, chosen]))
    return {
        "by_defect": auroc_by_defect(scores, labeled.defects, GOOD),
        "by_defect_interval": intervals,
        "by_defect_count": counts,
    }


def _verdict_figures(result: StageResult, defective: np.ndarray) -> Figures:
    """What the thresholds make of it: every one of them was set without these pictures."""
    verdicts = np.array([verdict.value for verdict in verdicts_of(result.scores, result.thresholds)])

    def rate(members: np.ndarray, verdict: Verdict) -> float | None:
        return float((verdicts[members] == verdict.value).mean()) if members.any() else None

    return {
        "escape_rate": rate(defective, Verdict.PASS),
        "defective_held_rate": rate(defective, Verdict.HOLD),
        "good_held_rate": rate(~defective, Verdict.HOLD),
        "good_failed_rate": rate(~defective, Verdict.FAIL),
    }
