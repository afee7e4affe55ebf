"""Flaws for the exam: of another make than those of `pretrain.flaws`, which the flaw term trains on.

A candidate must not win because it has learned the examiner's brush. So nothing here is shared with the training flaws:
other shapes, other fillings, drawn by OpenCV on single images. They are stand-ins all the same, and never count as real
defects.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

_VISIBLE_CHANGE = 8.0
"""Mean absolute change of a pixel, of 255, from which it counts as changed."""
_LEAST_CHANGED_PX = 12
_TRIES = 8


@dataclass(frozen=True)
class ExamFlaw:
    """`pixels` uint8 [S, S, 3], the changed pixels bool [S, S], and the kind that was drawn."""

    pixels: np.ndarray
    changed: np.ndarray
    kind: str


def draw_exam_flaw(image: np.ndarray, rng: np.random.Generator) -> ExamFlaw | None:
    """`image`, uint8 [S, S, 3], with one visible flaw; None where none of several tries could be seen on it."""
    for _ in range(_TRIES):
        kind = KINDS[int(rng.integers(len(KINDS)))]
        flawed = np.clip(_BRUSHES[kind](image.astype(np.float32), rng), 0, 255).astype(np.uint8)
        changed = np.abs(flawed.astype(np.float32) - image).mean(axis=2) > _VISIBLE_CHANGE
        if changed.sum() >= _LEAST_CHANGED_PX:
            return ExamFlaw(flawed, changed, kind)
    return None


def _crack(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A thin line that wanders."""
    side = image.shape[0]
    turns = rng.normal(0, 0.5, int(rng.integers(6, 16))).cumsum() + rng.uniform(0, 2 * np.pi)
    steps = side * rng.uniform(0.015, 0.04) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    points = (_somewhere(side, rng) + steps.cumsum(axis=0)).round().astype(np.int32)
    alpha = np.zeros((side, side), np.uint8)
    cv2.polylines(alpha, [points[:, None]], False, 255, int(rng.integers(1, 4)), cv2.LINE_AA)
    return _blend(image, alpha, image + _step(rng, 40, 110))


def _specks(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A handful of small dots close together."""
    side = image.shape[0]
    alpha, centre = np.zeros((side, side), np.uint8), _somewhere(side, rng)
    for _ in range(int(rng.integers(3, 20))):
        x, y = (centre + rng.normal(0, 0.04 * side, 2)).round().astype(int)
        cv2.circle(alpha, (int(x), int(y)), int(rng.integers(1, max(side // 80, 2) + 1)), 255, -1, cv2.LINE_AA)
    return _blend(image, alpha, image + _step(rng, 40, 110))


def _swirl(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The surface turned about a point: nothing is added, but structure is bent."""
    side = image.shape[0]
    centre = _somewhere(side, rng)
    x, y, distance = _around(centre, side)
    reach = side * rng.uniform(0.06, 0.16)
    turn = rng.choice([-1, 1]) * rng.uniform(1.0, 2.5) * np.square(np.clip(1 - distance / reach, 0, None))
    across = centre[0] + x * np.cos(turn) - y * np.sin(turn)
    down = centre[1] + x * np.sin(turn) + y * np.cos(turn)
    turned: np.ndarray = cv2.remap(
        image, across.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return turned


def _transplant(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A slanted piece of the same image, with sharp edges, where it does not belong."""
    side = image.shape[0]
    size = side * np.exp(rng.uniform(np.log(0.03), np.log(0.15), 2))
    shift = rng.uniform(0.25, 0.75, 2) * side
    elsewhere = np.roll(image, tuple(shift.astype(int)), axis=(0, 1))
    alpha = np.zeros((side, side), np.uint8)
    box = cv2.boxPoints(((*_somewhere(side, rng),), (*size,), float(rng.uniform(0, 180))))
    cv2.fillPoly(alpha, [box.round().astype(np.int32)], 255, cv2.LINE_AA)
    return _blend(image, alpha, elsewhere)


def _shade(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A wide, soft change of brightness, as of a worn or badly coated place."""
    side = image.shape[0]
    distance = _around(_somewhere(side, rng), side)[2]
    fall = np.exp(-np.square(distance / (side * rng.uniform(0.1, 0.3))))
    shaded: np.ndarray = image + _step(rng, 14, 45) * fall[:, :, None]
    return shaded


_BRUSHES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "crack": _crack,
    "specks": _specks,
    "swirl": _swirl,
    "transplant": _transplant,
    "shade": _shade,
}
KINDS = tuple(_BRUSHES)


def _somewhere(side: int, rng: np.random.Generator) -> np.ndarray:
    place: np.ndarray = rng.uniform(0.1, 0.9, 2) * side
    return place


def _step(rng: np.random.Generator, least: float, most: float) -> float:
    return float(rng.choice([-1, 1]) * rng.uniform(least, most))


def _around(centre: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x [1, S], y [S, 1] and distance [S, S] of every pixel from `centre`, in pixels."""
    x = (np.arange(side) - centre[0])[None]
    y = (np.arange(side) - centre[1])[:, None]
    return x, y, np.hypot(x, y)


def _blend(image: np.ndarray, alpha: np.ndarray, filling: np.ndarray) -> np.ndarray:
    share = alpha[:, :, None].astype(np.float32) / 255
    return image * (1 - share) + filling * share
