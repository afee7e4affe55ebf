"""Pictures to train on: washers drawn with OpenCV, small and quick."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIDE_PX = 64


def washer(seed: int, *, side_px: int = SIDE_PX, flaw: bool = False) -> np.ndarray:
    """A washer on a belt, uint8 [S, S, 3] RGB: place, light and grain differ with `seed`; `flaw` is a dark blot."""
    rng = np.random.default_rng(seed)
    picture = np.full((side_px, side_px, 3), rng.uniform(50, 70), np.float32)
    centre = [round(side_px / 2 + float(rng.uniform(-2, 2))) for _ in range(2)]
    cv2.circle(picture, centre, round(side_px * 0.36), (150, 145, 140), -1)
    cv2.circle(picture, centre, round(side_px * 0.15), (45, 45, 50), -1)
    if flaw:
        angle = rng.uniform(0, 2 * np.pi)
        blot = [round(centre[0] + side_px * 0.25 * np.cos(angle)), round(centre[1] + side_px * 0.25 * np.sin(angle))]
        cv2.circle(picture, blot, round(side_px * 0.08), (20, 15, 10), -1)
    lit = picture * rng.uniform(0.9, 1.1) + rng.normal(0, 3, picture.shape)
    return np.clip(lit, 0, 255).astype(np.uint8)


def write_washers(folder: Path, seeds: range, *, side_px: int = SIDE_PX, flaw: bool = False) -> list[Path]:
    """One PNG for each seed in `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"washer-{seed:04d}.png" for seed in seeds]
    for path, seed in zip(paths, seeds, strict=True):
        cv2.imwrite(str(path), washer(seed, side_px=side_px, flaw=flaw)[:, :, ::-1])
    return paths
