"""Labeled pictures of test/*, prepared once for all forms of the model."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from inspection.errors import ImageError
from inspection.images.folders import LabeledPicture, find_labeled_pictures
from inspection.images.tiles import TileLayout
from inspection.images.truth import MASK_PX
from inspection.inspector import Inspector, PreparedImage
from inspection.scoring.session import Scores
from inspection.scoring.tiled import gather_tiles
from inspection.terminal import track

_MIN_LOTS = 5
"""Fewer lots than this tell nothing when they are drawn again and again."""


@dataclass(frozen=True)
class LabeledImages:
    """N pictures; `pixels` uint8 [n, S, S, 3] holds the `judgeable` ones, bool [N]. Others rank as most suspect.

    Where the bundle cuts pictures in tiles, `pixels` holds all tiles, and `layouts` how they lie.
    """

    pictures: list[LabeledPicture]
    pixels: Tensor
    layouts: list[TileLayout]
    judgeable: np.ndarray
    units: np.ndarray
    """What the bootstrap draws: the number of each picture's lot, or of the picture itself, [N]."""
    unit: str

    @property
    def is_defective(self) -> np.ndarray:
        return np.array([picture.is_defective for picture in self.pictures])

    def of_pictures(self, scores: Scores) -> Scores:
        """Scores of `pixels` to those of the judgeable pictures."""
        if not self.layouts:
            return scores
        whole = gather_tiles(scores, self.layouts)
        if whole.anomaly_map.dtype != object:
            return whole
        # Pictures of different sizes: their maps meet their masks at one size.
        maps = [cv2.resize(one, (MASK_PX, MASK_PX), interpolation=cv2.INTER_LINEAR) for one in whole.anomaly_map]
        return Scores(np.stack(maps), whole.local_score, whole.global_score)

    @property
    def defects(self) -> list[str]:
        return [picture.defect for picture in self.pictures]


def load_labeled(root: Path, inspector: Inspector) -> LabeledImages | None:
    """Prepare root/test as the station does; None where there is none. Raises ImageError for an unreadable file."""
    pictures = find_labeled_pictures(root)
    if not pictures:
        return None
    prepared: list[np.ndarray] = []
    layouts: list[TileLayout] = []
    judgeable = np.zeros(len(pictures), bool)
    for place, picture in enumerate(track(pictures, "reading labeled pictures", len(pictures))):
        try:
            data = picture.path.read_bytes()
        except OSError as error:
            raise ImageError(f"{picture.path}: {error.strerror}", "make the file readable or remove it") from None
        answer = inspector.prepare(data, name=str(picture.path))
        if isinstance(answer, PreparedImage):
            judgeable[place] = True
            prepared.append(answer.inputs)
            layouts += [answer.layout] if answer.layout is not None else []
    side = inspector.manifest.preprocessing.input_px
    pixels = np.concatenate(prepared) if prepared else np.empty((0, side, side, 3), np.uint8)
    units, unit = _units(root / "test", pictures)
    return LabeledImages(pictures, torch.from_numpy(pixels), layouts, judgeable, units, unit)


def _units(test: Path, pictures: list[LabeledPicture]) -> tuple[np.ndarray, str]:
    """Lots are the folders within test/<defect>, where every picture lies in one."""
    inner = [picture.path.relative_to(test / picture.defect).parent for picture in pictures]
    lots = [folder.parts[0] if folder.parts else "" for folder in inner]
    if "" not in lots and len(set(lots)) >= _MIN_LOTS:
        return np.unique(lots, return_inverse=True)[1], "lot"
    return np.arange(len(pictures)), "image"
