"""The part: a turned flange as a height field with its materials, before any light falls on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deploy.demo.lots import Lot

IMAGE_PX = 256
SCALE = 2
"""The field is computed at twice the image's resolution and averaged down, as a lens softens edges."""
FIELD_PX = IMAGE_PX * SCALE

Field = np.ndarray
"""float32, FIELD_PX x FIELD_PX."""


@dataclass(frozen=True)
class Drawing:
    """The nominal part; lengths in pixels of the 256-pixel image."""

    rim_px: float = 108.0
    hub_px: float = 49.0
    bore_px: float = 25.0
    hole_px: float = 9.0
    hole_circle_px: float = 83.0
    hole_count: int = 6
    mark: str = "KN-40"


@dataclass(frozen=True)
class Pose:
    """Where one part lies under the camera: centre in pixels, turn in radians, size over nominal."""

    x_px: float
    y_px: float
    turn: float
    size: float


@dataclass
class Surface:
    """One part, ready to be lit. All fields are FIELD_PX x FIELD_PX float32."""

    pose: Pose
    drawing: Drawing
    radius: Field
    """Distance to the part's axis, in image pixels of the nominal part."""
    angle: Field
    """Angle around the axis in the part's own frame, radians."""
    height: Field
    """Image pixels above the flange's face."""
    depth: Field
    """0 on metal, 1 where a hole lets the belt show."""
    albedo: Field
    """Factor on the metal's reflectance: marks and stains darken it."""
    gloss: Field
    """Factor on the mirror-like reflection: stains and scratches dull it."""
    groove: Field
    """Radial tilt from turning, as a tangent."""


def part_coordinates(pose: Pose) -> tuple[Field, Field]:
    """Radius (image pixels of the nominal part) and angle of every point of the field."""
    axis = (np.arange(FIELD_PX, dtype=np.float32) + 0.5) / SCALE
    x = (axis[None, :] - pose.x_px) / pose.size
    y = (axis[:, None] - pose.y_px) / pose.size
    radius, angle = cv2.cartToPolar(np.broadcast_to(x, (FIELD_PX,) * 2).copy(), np.repeat(y, FIELD_PX, axis=1))
    return radius.astype(np.float32), ((angle - pose.turn) % (2 * np.pi)).astype(np.float32)


def hole_centres(drawing: Drawing) -> list[tuple[float, float]]:
    """Nominal (x, y) of the bolt holes around the axis, in image pixels."""
    angles = 2 * np.pi * np.arange(drawing.hole_count) / drawing.hole_count
    circle = drawing.hole_circle_px
    return [(float(circle * np.cos(a)), float(circle * np.sin(a))) for a in angles]


def ramp(distance: Field, width_px: float) -> Field:
    """0 below 0, 1 above `width_px`, straight between: a chamfer."""
    return np.clip(distance / width_px, 0.0, 1.0)


def turning_grooves(radius: Field, angle: Field, lot: Lot, rng: np.random.Generator) -> Field:
    """Grooves run around the axis and change slowly along it, as a lathe leaves them."""
    rings, sectors = 512, 96
    noise: Field = rng.standard_normal((rings, sectors)).astype(np.float32)
    noise = np.concatenate([noise, noise[:, :1]], axis=1)
    smooth: Field = cv2.GaussianBlur(noise, (0, 0), sigmaX=14.0, sigmaY=max(lot.groove_px * rings / 128 / 4, 0.6))
    smooth = smooth / (float(smooth.std()) + 1e-6)
    return cv2.remap(
        smooth.astype(np.float32),
        (angle * np.float32(sectors / (2 * np.pi))).astype(np.float32),
        (radius * np.float32(rings / 128)).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    ) * np.float32(lot.groove_depth)


def laser_mark(radius: Field, angle: Field, drawing: Drawing, text: str) -> Field:
    """1 where the laser wrote `text` along an arc outside the hub, 0 elsewhere."""
    letters = np.zeros((64, 640), np.uint8)
    cv2.putText(letters, f"{drawing.mark} {text}", (8, 48), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 255, 4, cv2.LINE_AA)
    strip = cv2.GaussianBlur(letters.astype(np.float32) / 255, (0, 0), 1.2)
    middle_px, tall_px = drawing.hub_px + 12.0, 11.0
    along = ((angle - np.float32(np.pi / 2 + 0.95)) % (2 * np.pi)) - np.pi
    x = 320 + along * middle_px * (64 / tall_px)
    y = 32 - (radius - middle_px) * (64 / tall_px)
    return cv2.remap(strip, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderValue=0.0)


def turned_flange(drawing: Drawing, pose: Pose, lot: Lot, mark: str, rng: np.random.Generator) -> Surface:
    """The sound part as it leaves the lathe and the drill."""
    radius, angle = part_coordinates(pose)
    height = 6.0 * ramp(drawing.rim_px - radius, 5.0) + 4.0 * ramp(drawing.hub_px - radius, 3.0)
    height -= 1.2 * np.exp(-(((radius - 97.0) / 1.6) ** 2))
    bore = radius - drawing.bore_px
    height += 3.0 * (ramp(bore, 3.0) - 1.0)
    depth = np.maximum(ramp(-bore, 1.0), ramp(radius - drawing.rim_px, 1.0))
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    for hole_x, hole_y in hole_centres(drawing):
        edge = np.hypot(x - hole_x, y - hole_y) - drawing.hole_px
        height += 2.2 * (ramp(edge, 2.2) - 1.0)
        depth = np.maximum(depth, ramp(-edge, 1.0))
    written = laser_mark(radius, angle, drawing, mark)
    return Surface(
        pose=pose,
        drawing=drawing,
        radius=radius,
        angle=angle,
        height=height.astype(np.float32),
        depth=depth.astype(np.float32),
        albedo=(1.0 - 0.55 * written).astype(np.float32),
        gloss=(1.0 - 0.7 * written).astype(np.float32),
        groove=turning_grooves(radius, angle, lot, rng),
    )
