"""The frozen-encoder anomaly check: how well an encoder finds real defects with nothing but a memory bank on it."""

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
from pretrain.evaluate.embeddings import as_input, map_in_batches
from pretrain.evaluate.memory_bank import fit_bank, some_images
from pretrain.evaluate.nearest_normal import smooth_map

_BANK_SIZE, _NEIGHBOURS = 4096, 1


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
    """Figures of `encoder` with a memory bank of `normal`, uint8 [N, S, S, 3], on labeled images.

    The image's score is the peak of its map; `by_defect` holds the image AUROC of each kind.
    """
    maps = list(anomaly_maps(encoder, normal, test.pixels, seed).numpy())
    if test.layouts:
        maps = stitch_all(np.stack(maps), test.layouts)
    scores = np.array([one.max() for one in maps])
    figures: dict[str, object] = {"image_auroc": image_auroc(scores, test.is_defective)}
    if test.masks.any():
        shown = np.flatnonzero(test.has_mask)
        full = np.stack([cv2.resize(maps[index], (MASK_PX, MASK_PX)) for index in shown])
        figures |= {"pixel_auroc": pixel_auroc(full, test.masks[shown]), "aupro": aupro(full, test.masks[shown])}
    figures["by_defect"] = auroc_by_defect(scores, [picture.defect for picture in test.pictures], GOOD)
    return figures


def anomaly_maps(encoder: Encoder, normal: Tensor, pixels: Tensor, seed: int) -> Tensor:
    """Anomaly maps float [N, h, w] of uint8 [N, S, S, 3]."""
    encoder = encoder.eval()
    device = next(encoder.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    of_normal = map_in_batches(encoder.patch_embeddings, some_images(normal, generator), device)
    nearest = fit_bank(of_normal, _BANK_SIZE, _NEIGHBOURS, generator, device)
    maps = []
    for image in track(pixels, "scoring test images", len(pixels)):
        with torch.inference_mode():
            embeddings = encoder.patch_embeddings(as_input(image[None], device)).permute(0, 2, 3, 1)
            maps.append(smooth_map(nearest(embeddings))[0].cpu())
    return torch.stack(maps)
