"""Defect regions: where on the part the anomaly map stands out."""

from dataclasses import dataclass

import cv2
import numpy as np

MAX_REGION_COUNT = 16


@dataclass(frozen=True, slots=True)
class DefectRegion:
    """A box in pixels of the camera's image, the area marked within it, and the map's peak there."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int
    area_px: int
    peak_score: float


def find_regions(
    anomaly_map: np.ndarray, threshold: float, *, width_px: int, height_px: int
) -> tuple[DefectRegion, ...]:
    """Connected regions of float32 [h, w] above `threshold`, strongest first, in pixels of a width x height image."""
    full = cv2.resize(anomaly_map, (width_px, height_px), interpolation=cv2.INTER_LINEAR)
    above = (full > threshold).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
    regions = []
    for label in range(1, count):
        x, y, width, height, area = (int(value) for value in stats[label])
        inside = labels[y : y + height, x : x + width] == label
        peak = float(full[y : y + height, x : x + width][inside].max())
        regions.append(DefectRegion(x, y, width, height, area, peak))
    regions.sort(key=lambda region: region.peak_score, reverse=True)
    return tuple(regions[:MAX_REGION_COUNT])
