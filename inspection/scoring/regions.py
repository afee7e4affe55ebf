"""Defect regions: where on the part the anomaly map stands out."""

import math
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
    """Connected regions of float32 [h, w] above `threshold`, strongest first, in pixels of a width x height image.

    They are found on the map's own grid: resampling could lose a peak of one cell, and with it the reason of a HOLD.
    """
    above = (anomaly_map > threshold).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
    across, down = width_px / anomaly_map.shape[1], height_px / anomaly_map.shape[0]
    regions = []
    for label in range(1, count):
        x, y, columns, rows, cells = (int(value) for value in stats[label])
        inside = labels[y : y + rows, x : x + columns] == label
        peak = float(anomaly_map[y : y + rows, x : x + columns][inside].max())
        left, top = math.floor(x * across), math.floor(y * down)
        right, bottom = math.ceil((x + columns) * across), math.ceil((y + rows) * down)
        size = min(right, width_px) - left, min(bottom, height_px) - top
        regions.append(DefectRegion(left, top, *size, max(round(cells * across * down), 1), peak))
    regions.sort(key=lambda region: region.peak_score, reverse=True)
    return tuple(regions[:MAX_REGION_COUNT])
