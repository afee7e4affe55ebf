"""How well scores tell defective parts from good ones: the metrics of the field, one definition each."""

import numpy as np
from scipy.ndimage import label
from sklearn.metrics import auc, roc_auc_score, roc_curve

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

    Every connected region of the masks [n, H, W] counts alike, whatever its size.
    """
    regions = [labels == number for labels, count in map(label, masks) for number in range(1, count + 1)]
    owners = [index for index, (_, count) in enumerate(map(label, masks)) for _ in range(count)]
    if not regions:
        return None
    normal = np.sort(maps[~masks.astype(bool)])
    false_positive_rates = np.linspace(0, _AUPRO_MAX_FALSE_POSITIVE_RATE, threshold_count)
    thresholds = np.quantile(normal, 1 - false_positive_rates)
    values = [np.sort(maps[owner][region]) for owner, region in zip(owners, regions, strict=True)]
    overlaps = [
        np.mean([1 - np.searchsorted(value, limit, "right") / len(value) for value in values]) for limit in thresholds
    ]
    return float(auc(false_positive_rates, overlaps) / _AUPRO_MAX_FALSE_POSITIVE_RATE)


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
