"""Small labeled sets: packs and folders of plain pictures that a class has in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

CLASSES = ("dark", "bright", "striped")


def picture(label: int, seed: int, side_px: int = 32) -> np.ndarray:
    """uint8 [S, S, 3]: noise around a grey that belongs to the class, or stripes."""
    rng = np.random.default_rng((label, seed))
    shade = np.full((side_px, side_px), (70.0, 180.0, 125.0)[label])
    if label == 2:
        shade += 60 * (np.arange(side_px) // 4 % 2)[None] - 30
    noisy = shade[:, :, None] + rng.normal(0, 12, (side_px, side_px, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def pack_arrays(train: int, test: int) -> dict[str, Any]:
    """The arrays of a pack with so many images of each class."""
    labels = np.tile(np.arange(len(CLASSES)), train + test)
    encoded = [cv2.imencode(".jpg", picture(label, seed))[1] for seed, label in enumerate(labels)]
    return {
        "jpeg": np.concatenate(encoded),
        "offsets": np.cumsum([0, *map(len, encoded)]),
        "labels": labels.astype(np.uint8),
        "is_test": np.arange(len(labels)) >= train * len(CLASSES),
        "classes": np.array(CLASSES),
    }


def write_pack(path: Path, *, train: int = 8, test: int = 4, **other: Any) -> Path:
    """A pack in which `other` stands in for arrays of its own; None leaves one out."""
    arrays = {**pack_arrays(train, test), **other}
    np.savez(path, **{name: values for name, values in arrays.items() if values is not None})
    return path


def write_class_folder(folder: Path, label: int, count: int, first: int = 0) -> None:
    """`count` pictures of a class in a folder of its name below `folder`."""
    place = folder / CLASSES[label]
    place.mkdir(parents=True)
    for seed in range(first, first + count):
        cv2.imwrite(str(place / f"{seed:03d}.png"), picture(label, seed))
