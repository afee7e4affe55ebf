"""How well scores tell defective parts from good ones: the metrics of the field, one definition each."""

import math

import numpy as np
from scipy.ndimage import label
from sklearn.metrics import roc_auc_score, roc_curve

_AUPRO_MAX_FALSE_POSITIVE_RATE = 0.3


def image_auroc(scores: np.ndarray, is_defective: np.ndarray) -> float | None:
    """Area under the ROC curve for scores [n] and truth [n]; None where only one class is there."""
    if is_defective.all() or not is_defective.any():
        return None
    return float(roc_auc_score(is_defective, scores))


def pixel_auroc(maps: np.ndarray, masks: np.ndarray) -> float | None:
    """AUROC over all pixels of maps [n, H, W] against boolean masks [n, H, W]."""
    return image_auroc(maps.reshape(-1), masks.reshape(-1).astype(bool))


def aupro(maps: np.ndarray, masks: np.ndarray, *, threshold_count: int = 200) -> float | None:
    """Area under the per-region overlap curve up to a false positive rate of 0.3, scaled to 1 (Bergmann et al. 2019).

    Every connected region of the masks [n, H, W] counts alike, whatever its size. Thresholds come from the pixels of
    maps [n, H, W] outside all masks; exact where these take at most `threshold_count` values above the limit.
    """
    is_defect = masks.astype(bool)
    regions = [values for scores, mask in zip(maps, is_defect, strict=True) for values in _region_scores(scores, mask)]
    normal = np.sort(maps[~is_defect])
    if not regions or not len(normal):
        return None
    limits = np.unique(normal[math.floor(len(normal) * (1 - _AUPRO_MAX_FALSE_POSITIVE_RATE)) :])[::-1]
    if len(limits) > threshold_count:
        limits = limits[np.linspace(0, len(limits) - 1, threshold_count).round().astype(int)]
    rates = np.append(0.0, _shares_flagged(normal, limits))
    overlaps = np.append(0.0, np.mean([_shares_flagged(values, limits) for values in regions], axis=0))
    inside = rates <= _AUPRO_MAX_FALSE_POSITIVE_RATE
    end = np.interp(_AUPRO_MAX_FALSE_POSITIVE_RATE, rates, overlaps)
    area = np.trapezoid(np.append(overlaps[inside], end), np.append(rates[inside], _AUPRO_MAX_FALSE_POSITIVE_RATE))
    return float(area / _AUPRO_MAX_FALSE_POSITIVE_RATE)


def _region_scores(scores: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    """The sorted scores within each connected region (over corners too, as in the benchmark's own evaluation)."""
    labels, count = label(mask, structure=np.ones((3, 3)))
    return [np.sort(scores[labels == number]) for number in range(1, count + 1)]


def _shares_flagged(ascending: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Shares of scores above each of the limits, and at or above it, in turn: [2 * limits]."""
    above = np.searchsorted(ascending, limits, "right")
    from_limit = np.searchsorted(ascending, limits, "left")
    return 1 - np.stack([above, from_limit], axis=1).reshape(-1) / len(ascending)


def escape_rate_at_overkill(scores: np.ndarray, is_defective: np.ndarray, overkill_rate: float) -> float | None:
    """Escapes over defective parts at the lowest limit that fails at most `overkill_rate` of the good parts."""
    if is_defective.all() or not is_defective.any():
        return None
    false_positive_rate, true_positive_rate, _ = roc_curve(is_defective, scores, drop_intermediate=False)
    return float(1 - true_positive_rate[false_positive_rate <= overkill_rate].max())


def auroc_by_defect(scores: np.ndarray, defects: list[str], good: str) -> dict[str, float]:
    """Image AUROC of each kind of defect against all good parts."""
    names = np.array(defects)
    figures = {}
    for name in sorted(set(defects) - {good}):
        chosen = (names == name) | (names == good)
        if (figure := image_auroc(scores[chosen], names[chosen] != good)) is not None:
            figures[name] = figure
    return figures
