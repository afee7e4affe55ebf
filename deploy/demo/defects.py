"""What goes wrong on the simulated line: each kind changes the surface before the picture is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from deploy.demo.flange import FIELD_PX, SCALE, Drawing, Field, Surface, hole_centres


def spot_on_metal(surface: Surface, rng: np.random.Generator, margin_px: float) -> tuple[float, float]:
    """(x, y) in field pixels of a random place on bare metal, `margin_px` image pixels from any edge."""
    reach = round(2 * margin_px * SCALE) | 1
    metal = (surface.depth < 0.01).astype(np.uint8)
    free = cv2.erode(metal, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    rows, columns = np.nonzero(free)
    pick = int(rng.integers(len(rows)))
    return float(columns[pick]), float(rows[pick])


def distance_to(x: float, y: float) -> Field:
    """Distance of every point of the field to (x, y), in image pixels."""
    axis = np.arange(FIELD_PX, dtype=np.float32)
    away: Field = np.hypot(axis[None, :] - np.float32(x), axis[:, None] - np.float32(y))
    return away / np.float32(SCALE)


def ragged(rng: np.random.Generator, grain_px: float) -> Field:
    """Smooth noise of standard deviation 1 whose features measure `grain_px` image pixels."""
    cells = max(round(FIELD_PX / SCALE / grain_px), 2)
    noise: Field = rng.standard_normal((cells, cells)).astype(np.float32)
    noise = cv2.resize(noise, (FIELD_PX, FIELD_PX), interpolation=cv2.INTER_CUBIC)
    return noise / np.float32(noise.std() + 1e-6)


def scratch(surface: Surface, rng: np.random.Generator) -> Surface:
    """A tool or another part was dragged across: a thin, slightly bent groove with a raised burr."""
    middle = np.array(spot_on_metal(surface, rng, 4.0))
    bend = rng.uniform(-0.006, 0.006)
    steps = round(rng.uniform(26, 70) * SCALE / 4)
    headings = rng.uniform(0, 2 * np.pi) + bend * 4 * np.arange(steps)
    points = 4 * np.cumsum(np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0)
    drawn = np.round((points - points[steps // 2] + middle) * 16).astype(np.int32)
    canvas = np.zeros((FIELD_PX, FIELD_PX), np.uint8)
    cv2.polylines(canvas, [drawn], isClosed=False, color=255, thickness=2, lineType=cv2.LINE_AA, shift=4)
    line = canvas.astype(np.float32) / 255
    # The tool does not press equally hard all along.
    pressure = np.clip(0.85 + 0.35 * ragged(rng, 14.0), 0.25, 1.3)
    width = rng.uniform(0.8, 1.3)
    cut = cv2.GaussianBlur(line, (0, 0), width) * pressure
    burr = cv2.GaussianBlur(line, (0, 0), 2.6 * width) * pressure
    strength = rng.uniform(0.8, 1.3)
    surface.height += np.float32(strength) * (1.1 * burr - 1.5 * cut)
    surface.albedo *= 1.0 - np.clip(0.45 * strength * cut, 0.0, 0.6)
    surface.gloss *= 1.0 - np.clip(0.6 * cut, 0.0, 0.9)
    return surface


def dent(surface: Surface, rng: np.random.Generator) -> Surface:
    """Something hard fell on it: a shallow bowl with a pushed-up edge, its grooves still in it."""
    x, y = spot_on_metal(surface, rng, 6.0)
    size = rng.uniform(3.6, 7.0)
    away = distance_to(x, y) * (1.0 + 0.10 * ragged(rng, 16.0)) / np.float32(size)
    bowl = np.exp(-((away) ** 2) * 1.2)
    edge = np.exp(-(((away - 1.35) / 0.35) ** 2))
    surface.height += np.float32(rng.uniform(0.16, 0.26) * size) * (0.35 * edge - bowl)
    return surface


def stain(surface: Surface, rng: np.random.Generator) -> Surface:
    """Coolant dried on it: a ragged, slightly darker and duller patch with a darker rim."""
    x, y = spot_on_metal(surface, rng, 3.0)
    size = rng.uniform(9.0, 18.0)
    away = distance_to(x, y) / np.float32(size) + 0.22 * ragged(rng, 9.0) + 0.10 * ragged(rng, 4.0)
    wet = 1.0 / (1.0 + np.exp(np.minimum((away - 1.0) * 9.0, 60.0)))
    rim = np.exp(-(((away - 0.95) / 0.12) ** 2))
    strength = rng.uniform(0.22, 0.36)
    surface.albedo *= (1.0 - strength * (wet + 0.45 * rim)).astype(np.float32)
    surface.gloss *= (1.0 - 1.6 * strength * wet).astype(np.float32)
    return surface


def undrilled(surface: Surface, rng: np.random.Generator) -> Surface:
    """The drill broke: one bolt hole is missing, or only its centre mark was made."""
    holes = hole_centres(surface.drawing)
    hole_x, hole_y = holes[int(rng.integers(len(holes)))]
    x = surface.radius * np.cos(surface.angle) - np.float32(hole_x)
    y = surface.radius * np.sin(surface.angle) - np.float32(hole_y)
    away = np.hypot(x, y)
    here = away < surface.drawing.hole_px + 4.0
    surface.depth[here] = 0.0
    surface.height[here] = 6.0
    if rng.random() < 0.5:
        surface.height -= (1.5 * np.exp(-((away / 1.6) ** 2))).astype(np.float32)
    return surface


DEFECTS: dict[str, Callable[[Surface, np.random.Generator], Surface]] = {
    "scratch": scratch,
    "dent": dent,
    "stain": stain,
    "undrilled": undrilled,
}
"""Defects of a place, by name. Each takes the sound surface and a source of chance, and returns it harmed."""

WRONG_PART = "wrong-part"
"""The one defect that is in the drawing: a sister type on the wrong belt."""

KINDS = (*DEFECTS, WRONG_PART)


def sister_type(drawing: Drawing, rng: np.random.Generator) -> Drawing:
    """Another flange of the same family that does not belong on this line."""
    if rng.random() < 0.5:
        return replace(drawing, hole_count=8, hole_px=7.5, mark="KN-48")
    return replace(drawing, bore_px=34.0, hub_px=56.0, hole_count=5, mark="KN-45")
