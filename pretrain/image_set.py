"""The images of a run: decoded and prepared once, then held as one array of uint8."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from inspection.errors import DatasetError, ImageError
from inspection.images.decode import decode_image
from inspection.images.digest import sha256_of_bytes, sha256_of_set
from inspection.images.folders import Picture
from inspection.images.preprocess import Preprocessing, prepare
from inspection.terminal import say, track

MIN_IMAGE_COUNT = 8
_SHOWN_FAULTS = 5


@dataclass(frozen=True)
class ImageSet:
    """N prepared images: `pixels` uint8 [N, S, S, 3], with the lot and digest of each."""

    pixels: torch.Tensor
    lots: tuple[str, ...]
    digests: tuple[str, ...]
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def sha256(self) -> str:
        return sha256_of_set(self.digests)

    def with_pixels(self, pixels: torch.Tensor) -> "ImageSet":
        """The same images under another treatment."""
        return ImageSet(pixels, self.lots, self.digests, self.paths)

    def subset(self, indices: Sequence[int]) -> "ImageSet":
        return ImageSet(
            self.pixels[list(indices)],
            tuple(self.lots[i] for i in indices),
            tuple(self.digests[i] for i in indices),
            tuple(self.paths[i] for i in indices),
        )


def load_images(
    pictures: Sequence[Picture], preprocessing: Preprocessing, *, title: str = "reading images"
) -> ImageSet:
    """Decode and prepare every picture; unreadable ones are named and left out.

    Raises DatasetError where fewer than MIN_IMAGE_COUNT can be read, and for more images than memory holds.
    """
    side = preprocessing.input_px
    try:
        pixels = np.empty((len(pictures), side, side, 3), np.uint8)
    except MemoryError:
        raise DatasetError(
            f"{len(pictures)} images of {side} x {side}: more than memory holds",
            "give fewer images or lower preprocessing.input_px",
        ) from None
    read: list[tuple[Picture, str]] = []
    faults: list[ImageError] = []
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda picture: _read(picture, preprocessing), pictures)
        for picture, result in zip(pictures, track(results, title, len(pictures)), strict=True):
            if isinstance(result, ImageError):
                faults.append(result)
                continue
            pixels[len(read)], digest = result
            read.append((picture, digest))
    _tell(faults, len(pictures))
    if len(read) < MIN_IMAGE_COUNT:
        folder = pictures[0].path.parent if pictures else "folder"
        raise DatasetError(f"{folder}: {len(read)} readable images", f"give at least {MIN_IMAGE_COUNT}")
    return ImageSet(
        torch.from_numpy(pixels[: len(read)]),
        tuple(picture.lot for picture, _ in read),
        tuple(digest for _, digest in read),
        tuple(picture.path for picture, _ in read),
    )


def _read(picture: Picture, preprocessing: Preprocessing) -> tuple[np.ndarray, str] | ImageError:
    try:
        data = picture.path.read_bytes()
        image = decode_image(data, name=str(picture.path), significant_bits=preprocessing.significant_bits)
    except OSError as error:
        return ImageError(f"{picture.path}: {error.strerror}", "make the file readable or remove it")
    except ImageError as error:
        return error
    return prepare(image, preprocessing), sha256_of_bytes(data)


def _tell(faults: list[ImageError], total: int) -> None:
    for fault in faults[:_SHOWN_FAULTS]:
        say(f"left out: {fault}")
    if faults:
        say(f"{len(faults)} of {total} images were left out")
