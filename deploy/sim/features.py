"""A small frozen feature bank: what stands in for the encoder. No torch, and nothing that learns."""

from __future__ import annotations

import cv2
import numpy as np

SIDE_PX = 128
CELL_PX = 8
CELLS = SIDE_PX // CELL_PX
WIDTH = 10


def describe(image: np.ndarray) -> np.ndarray:
    """uint8 RGB [H, W, 3] to float32 [CELLS, CELLS, WIDTH]: brightness, colour, edges and grain of each cell."""
    small = cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    # Exposure and the metal's colour vary from lot to lot, and are no defects: each channel by its own mean.
    small /= 3 * small.mean(axis=(0, 1)) + 1.0
    grey = small.mean(axis=2)
    maps = [grey, small[..., 0] - small[..., 1], small[..., 2] - small[..., 1]]
    for sigma in (0.8, 2.0):
        smooth = cv2.GaussianBlur(grey, (0, 0), sigma)
        across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
        maps += [np.abs(across), np.abs(down)]
    curved = np.abs(cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 0.8), cv2.CV_32F))
    means = [_cells(one).mean(axis=(1, 3)) for one in (*maps, curved)]
    peaks = [_cells(one).max(axis=(1, 3)) for one in (curved, -grey)]
    features: np.ndarray = np.stack([*means, *peaks], axis=-1).astype(np.float32)
    return features


def _cells(one: np.ndarray) -> np.ndarray:
    """[SIDE_PX, SIDE_PX] to [CELLS, CELL_PX, CELLS, CELL_PX]."""
    return one.reshape(CELLS, CELL_PX, CELLS, CELL_PX)
