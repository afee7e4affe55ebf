"""Lots of the simulated line: each of another metal, turned with another tool, under ageing lamps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lot:
    """What the parts of one lot share; each part varies around it."""

    name: str
    tint: tuple[float, float, float]
    """Reflectance of the metal for red, green and blue, 0 to 1."""
    groove_px: float
    """Mean width of a turning groove, in pixels of the 256-pixel image."""
    groove_depth: float
    """How far a groove tilts the surface, as the tangent of the angle."""
    gloss: float
    """Strength of the mirror-like part of the reflection."""
    lamp_degrees: float
    """Direction of the key light in the image plane."""
    exposure: float
    """Mean exposure; 1.0 is the line's set point."""


TRAINING_LOTS = (
    Lot("lot-A", (0.61, 0.61, 0.60), 1.3, 0.10, 0.55, -62.0, 1.00),
    Lot("lot-B", (0.60, 0.62, 0.63), 1.7, 0.12, 0.50, -56.0, 1.04),
    Lot("lot-C", (0.62, 0.60, 0.57), 1.1, 0.09, 0.62, -66.0, 0.95),
    Lot("lot-D", (0.57, 0.60, 0.61), 1.5, 0.13, 0.52, -52.0, 0.98),
)

STREAM_LOTS = (
    Lot("lot-E", (0.60, 0.60, 0.59), 1.4, 0.11, 0.58, -59.0, 1.02),
    Lot("lot-F", (0.61, 0.62, 0.62), 1.2, 0.12, 0.53, -64.0, 0.97),
)
