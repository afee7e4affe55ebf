"""Light, lens and sensor: from a surface to the 8-bit colour picture that the line's camera takes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deploy.demo.flange import FIELD_PX, IMAGE_PX, Field, Surface
from deploy.demo.lots import Lot

BELT = (0.052, 0.056, 0.060)
"""Reflectance of the rubber belt under the part: red, green, blue."""


@dataclass(frozen=True)
class Exposure:
    """What differs from one picture to the next although the line did not change."""

    gain: float
    lamp_degrees: float
    lamp_height: float
    gradient: tuple[float, float]
    """Relative change of brightness from the picture's centre to its right and lower edge."""
    blur_px: float
    noise_seed: int


def unit(x: Field, y: Field, z: Field) -> tuple[Field, Field, Field]:
    """The vectors (x, y, z), each of length one."""
    length = np.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


def reflection(surface: Surface, gloss: float, lamp: tuple[float, float, float]) -> tuple[Field, Field]:
    """Diffuse and mirror-like reflection of one lamp, seen from above.

    Turned metal mirrors along its grooves only, which draws the bright fans that turn with the lamp.
    """
    slope_x = cv2.Sobel(surface.height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 4)
    slope_y = cv2.Sobel(surface.height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 4)
    around = surface.angle + np.float32(surface.pose.turn)
    out_x, out_y = np.cos(around), np.sin(around)
    normal = unit(-slope_x - surface.groove * out_x, -slope_y - surface.groove * out_y, np.ones_like(surface.height))
    diffuse = np.clip(normal[0] * lamp[0] + normal[1] * lamp[1] + normal[2] * lamp[2], 0.0, None)
    half = np.array([lamp[0], lamp[1], lamp[2] + 1.0])
    half /= np.linalg.norm(half)
    along = -out_y * half[0] + out_x * half[1] - (-out_y * normal[0] + out_x * normal[1]) * 0.9
    facing = normal[0] * half[0] + normal[1] * half[1] + normal[2] * half[2]
    across_2 = np.clip(1.0 - facing * facing - along * along, 0.0, 1.0)
    mirror = np.exp(-((along / 0.17) ** 2 + across_2 / 0.40**2))
    return diffuse.astype(np.float32), (gloss * surface.gloss * mirror).astype(np.float32)


def belt(rng: np.random.Generator) -> Field:
    """Brightness factor of the rubber belt: woven, worn, never twice the same."""
    fine = cv2.GaussianBlur(rng.standard_normal((FIELD_PX, FIELD_PX)).astype(np.float32), (0, 0), 1.5)
    worn: Field = rng.standard_normal((16, 16)).astype(np.float32)
    worn = cv2.resize(worn, (FIELD_PX, FIELD_PX), interpolation=cv2.INTER_CUBIC)
    return 1.0 + 0.9 * fine + 0.12 * worn


def photograph(surface: Surface, lot: Lot, exposure: Exposure) -> np.ndarray:
    """The picture: IMAGE_PX x IMAGE_PX x 3, 8-bit RGB."""
    rng = np.random.default_rng(exposure.noise_seed)
    turn = np.deg2rad(exposure.lamp_degrees)
    lamp = np.array([np.cos(turn), np.sin(turn), exposure.lamp_height])
    lamp /= np.linalg.norm(lamp)
    diffuse, mirror = reflection(surface, lot.gloss, (float(lamp[0]), float(lamp[1]), float(lamp[2])))
    opposite, fill = reflection(surface, 0.35 * lot.gloss, (float(-lamp[0]), float(-lamp[1]), float(lamp[2])))
    metal = surface.albedo * (0.10 + 0.44 * diffuse + 0.10 * opposite) + 1.5 * mirror + fill
    shade = cv2.GaussianBlur(1.0 - surface.depth, (0, 0), 7.0)
    below = belt(rng) * (1.15 - 0.75 * shade)
    axis = np.linspace(-1.0, 1.0, FIELD_PX, dtype=np.float32)
    lamp_field = 1.0 + exposure.gradient[0] * axis[None, :] + exposure.gradient[1] * axis[:, None]
    lamp_field = lamp_field * (1.0 - 0.10 * (axis[None, :] ** 2 + axis[:, None] ** 2))
    field = np.empty((FIELD_PX, FIELD_PX, 3), np.float32)
    for channel in range(3):
        solid = metal * lot.tint[channel]
        field[..., channel] = solid + (below * BELT[channel] - solid) * surface.depth
    field *= (lamp_field * exposure.gain)[..., None]
    seen = cv2.resize(field, (IMAGE_PX, IMAGE_PX), interpolation=cv2.INTER_AREA)
    seen = cv2.GaussianBlur(seen, (0, 0), exposure.blur_px)
    grain = rng.standard_normal((IMAGE_PX, IMAGE_PX, 3), dtype=np.float32)
    seen = seen + grain * (0.004 + 0.010 * np.sqrt(np.clip(seen, 0.0, 1.0)))
    # A camera compresses highlights instead of cutting them: its gamma and a soft shoulder.
    toned = 1.0 - np.exp(-1.55 * np.clip(seen, 0.0, None))
    levels: np.ndarray = np.clip(255.0 * toned ** (1 / 1.5), 0, 255).round().astype(np.uint8)
    return levels
