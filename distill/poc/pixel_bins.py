"""Pixel figures of redrawn test sets: each picture's pixels are counted into bins once, and only counts are redrawn."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label

_BINS_BELOW, _BINS_ABOVE = 128, 384
_LIMIT = 0.3
"""Up to this false positive rate AUPRO looks, so most bins lie there."""


@dataclass(frozen=True)
class PixelBins:
    """Counts by picture and bin, [N, B], bins in rising order; `overlap` sums the shares of regions above each bin."""

    normal: np.ndarray
    defect: np.ndarray
    overlap: np.ndarray
    regions: np.ndarray
    """Defect regions of each picture, [N]."""


def count_pixels(maps: np.ndarray, masks: np.ndarray) -> PixelBins:
    """Bins of maps [N, H, W] against bool masks [N, H, W]."""
    normal = maps[~masks]
    cuts = np.concatenate(
        [
            np.linspace(0, 1 - _LIMIT, _BINS_BELOW, endpoint=False),
            np.linspace(1 - _LIMIT, 1, _BINS_ABOVE, endpoint=False),
        ]
    )
    edges = np.unique(np.quantile(normal[:: max(len(normal) // 2_000_000, 1)], cuts))
    size = len(edges) + 1
    counts = [np.zeros((len(maps), size)) for _ in range(3)]
    regions = np.zeros(len(maps))
    for place, (values, mask) in enumerate(zip(maps, masks, strict=True)):
        flat, binned = mask.reshape(-1), np.searchsorted(edges, values.reshape(-1), side="right")
        counts[0][place] = np.bincount(binned[~flat], minlength=size)
        if flat.any():
            counts[1][place] = np.bincount(binned[flat], minlength=size)
            counts[2][place], regions[place] = _overlap(binned, mask, size)
    return PixelBins(counts[0], counts[1], counts[2], regions)


def binned_pixel_auroc(bins: PixelBins, weights: np.ndarray) -> np.ndarray:
    """Pixel AUROC for each row of weights [R, N], to the width of a bin; [R]."""
    good, defective = weights @ bins.normal, weights @ bins.defect
    below = good.cumsum(1) - good
    pairs = good.sum(1) * defective.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pairs > 0, ((below + good / 2) * defective).sum(1) / pairs, np.nan)


def binned_aupro(bins: PixelBins, weights: np.ndarray) -> np.ndarray:
    """AUPRO (Bergmann et al. 2019) for each row of weights [R, N], to the width of a bin; [R]."""
    normal = weights @ bins.normal
    rates = normal[:, ::-1].cumsum(1) / np.maximum(normal.sum(1, keepdims=True), 1)
    count = weights @ bins.regions
    with np.errstate(divide="ignore", invalid="ignore"):
        overlaps = (weights @ bins.overlap)[:, ::-1] / np.where(count > 0, count, np.nan)[:, None]
    return np.array([_area(*curve) for curve in zip(rates, overlaps, strict=True)])


def _overlap(binned: np.ndarray, mask: np.ndarray, size: int) -> tuple[np.ndarray, int]:
    """The summed shares of each region's pixels at or above every bin, and how many regions there are."""
    labels, count = label(mask, structure=np.ones((3, 3)))
    flat = labels.reshape(-1)
    total = np.zeros(size)
    for number in range(1, count + 1):
        inside = np.bincount(binned[flat == number], minlength=size)
        total += inside[::-1].cumsum()[::-1] / inside.sum()
    return total, count


def _area(rates: np.ndarray, overlaps: np.ndarray) -> float:
    rates, overlaps = np.append(0.0, rates), np.append(0.0, overlaps)
    inside = rates <= _LIMIT
    end = np.interp(_LIMIT, rates, overlaps)
    area = np.trapezoid(np.append(overlaps[inside], end), np.append(rates[inside], _LIMIT))
    return float(area / _LIMIT)
