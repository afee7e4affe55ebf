"""One simulated part: rendered from a seed, with the truth about it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deploy.demo.defects import DEFECTS, KINDS, WRONG_PART, sister_type
from deploy.demo.flange import IMAGE_PX, Drawing, Pose, turned_flange
from deploy.demo.light import Exposure, photograph
from deploy.demo.lots import Lot

VISIBLE_LEVELS = 8
"""Grey levels (of 255, any channel) by which a pixel must differ from the sound twin to be in the mask."""


@dataclass(frozen=True)
class Part:
    """A picture and the truth: `kind` is None for a sound part, the mask is 255 where the defect shows."""

    lot: str
    serial: int
    kind: str | None
    image: np.ndarray
    mask: np.ndarray


def render_picture(lot: Lot, serial: int, seed: int, kind: str | None) -> np.ndarray:
    """The picture alone: IMAGE_PX x IMAGE_PX x 3, 8-bit RGB.

    Pose, texture, light and noise depend on (seed, serial) only, so the sound twin of a defective part is
    the same picture without its defect.
    """
    chance = np.random.default_rng([seed, serial])
    harm = np.random.default_rng([seed, serial, 1])
    middle = IMAGE_PX / 2
    pose = Pose(
        x_px=middle + chance.normal(0, 2.2),
        y_px=middle + chance.normal(0, 2.2),
        turn=np.deg2rad(chance.normal(0, 3.0)),
        size=1.0 + chance.normal(0, 0.006),
    )
    exposure = Exposure(
        gain=lot.exposure * (1.0 + chance.normal(0, 0.035)),
        lamp_degrees=lot.lamp_degrees + chance.normal(0, 3.0),
        lamp_height=1.15 + chance.normal(0, 0.05),
        gradient=(chance.normal(0, 0.035), chance.normal(0, 0.035)),
        blur_px=abs(chance.normal(0.55, 0.06)),
        noise_seed=int(chance.integers(2**32)),
    )
    drawing = sister_type(Drawing(), harm) if kind == WRONG_PART else Drawing()
    surface = turned_flange(drawing, pose, lot, f"{lot.name[-1]}{serial:04d}", chance)
    if kind in DEFECTS:
        surface = DEFECTS[kind](surface, harm)
    return photograph(surface, lot, exposure)


def render_part(lot: Lot, serial: int, seed: int, kind: str | None = None) -> Part:
    """The part with its truth; raises ValueError for an unknown kind of defect."""
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
    image = render_picture(lot, serial, seed, kind)
    mask = np.zeros(image.shape[:2], np.uint8)
    if kind is not None:
        sound = render_picture(lot, serial, seed, None)
        mask[cv2.absdiff(image, sound).max(axis=2) >= VISIBLE_LEVELS] = 255
    return Part(lot.name, serial, kind, image, mask)
