"""The frozen-encoder anomaly check: how well an encoder finds real defects with nothing but a memory bank on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from inspection.calibration.metrics import aupro, auroc_by_defect, image_auroc, pixel_auroc
from inspection.errors import DatasetError
from inspection.images.decode import read_image
from inspection.images.folders import GOOD, LabeledPicture, find_labeled_pictures
from inspection.images.preprocess import Preprocessing, prepare, prepare_tiles
from inspection.images.tiles import TileLayout, stitch_all
from inspection.images.truth import MASK_PX, read_mask
from inspection.terminal import track
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.memory_bank import some_images
from pretrain.evaluate.normality import learn_normality

_BANK_SIZE, _DRAWS = 4096, 3

Figure = float | None | Mapping[str, float | None]


@dataclass(frozen=True)
class TestImages:
    """Labeled pictures, prepared: uint8 [N, S, S, 3], with the mask of each, bool [N, 256, 256], where known.

    Of pictures in tiles, `pixels` holds all tiles one after the other, and `layouts` says where they lie.
    """

    __test__ = False

    pictures: list[LabeledPicture]
    pixels: Tensor
    masks: np.ndarray
    has_mask: np.ndarray
    layouts: tuple[TileLayout, ...] = ()

    @property
    def is_defective(self) -> np.ndarray:
        return np.array([picture.is_defective for picture in self.pictures])


def load_test_images(root: Path, preprocessing: Preprocessing) -> TestImages:
    """All of root/test. Raises DatasetError where there is none."""
    pictures = find_labeled_pictures(root)
    if not pictures:
        raise DatasetError(f"{root}: has no test folder", "give a folder with test/good and test/<defect>")
    bits = preprocessing.significant_bits
    images = [read_image(picture.path, significant_bits=bits) for picture in pictures]
    masks = np.stack([read_mask(picture) for picture in pictures])
    has_mask = np.array([not picture.is_defective or picture.mask is not None for picture in pictures])
    layouts = tuple(
        layout for image in images if (layout := preprocessing.lay_tiles(image.shape[1], image.shape[0])) is not None
    )
    if layouts:
        parts = [prepare_tiles(image, layout, preprocessing) for image, layout in zip(images, layouts, strict=True)]
        return TestImages(pictures, torch.from_numpy(np.concatenate(parts)), masks, has_mask, layouts)
    pixels = torch.from_numpy(np.stack([prepare(image, preprocessing) for image in images]))
    return TestImages(pictures, pixels, masks, has_mask)


def check_encoder(encoder: Encoder, normal: Tensor, test: TestImages, seed: int) -> dict[str, object]:
    """Figures of `encoder` with memory banks of `normal`, uint8 [N, S, S, 3], on labeled images.

    The image's score is the peak of its map; `by_defect` holds the image AUROC of each kind. All are means over several
    draws of the banks: a single one moves an AUROC by a point or two.
    """
    generator = torch.Generator().manual_seed(seed)
    normality = learn_normality(encoder, some_images(normal, generator), _BANK_SIZE, generator, draws=_DRAWS)
    found = normality.map_anomalies(track(test.pixels, "scoring test images", len(test.pixels)))
    draws = [_figures(maps, test) for maps in found]
    return {name: _mean([figures[name] for figures in draws]) for name in draws[0]}


def _figures(of_inputs: Tensor, test: TestImages) -> dict[str, Figure]:
    maps = list(of_inputs.numpy())
    if test.layouts:
        maps = stitch_all(np.stack(maps), test.layouts)
    scores = np.array([one.max() for one in maps])
    figures: dict[str, Figure] = {"image_auroc": image_auroc(scores, test.is_defective)}
    if test.masks.any():
        shown = np.flatnonzero(test.has_mask)
        full = np.stack([cv2.resize(maps[index], (MASK_PX, MASK_PX)) for index in shown])
        figures |= {"pixel_auroc": pixel_auroc(full, test.masks[shown]), "aupro": aupro(full, test.masks[shown])}
    figures["by_defect"] = auroc_by_defect(scores, [picture.defect for picture in test.pictures], GOOD)
    return figures


def _mean(figures: Sequence[Figure]) -> Figure:
    first = figures[0]
    if isinstance(first, Mapping):
        return {name: _mean_number([one[name] for one in figures if isinstance(one, Mapping)]) for name in first}
    return _mean_number([one for one in figures if not isinstance(one, Mapping)])


def _mean_number(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) / len(known) if known else None
