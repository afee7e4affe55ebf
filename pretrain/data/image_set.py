"""The images of a run: decoded and prepared once, as one array of uint8 in memory or in a file mapped into it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from inspection.errors import DatasetError, ImageError
from inspection.images.digest import sha256_of_set
from inspection.images.folders import Picture
from inspection.images.preprocess import Preprocessing
from inspection.terminal import say, track
from pretrain.data.reading import in_threads, read_digest, read_prepared
from pretrain.data.shard import read_shard, shard_name, write_shard
from pretrain.data.tiled_pictures import in_tiles

MIN_IMAGE_COUNT = 8
_SHOWN_FAULTS = 5


@dataclass(frozen=True)
class ImageSet:
    """N prepared images, or tiles of them: `pixels` uint8 [N, S, S, 3], with the lot and digest of each."""

    pixels: torch.Tensor
    lots: tuple[str, ...]
    digests: tuple[str, ...]
    paths: tuple[Path, ...]
    left_out: tuple[str, ...] = ()
    """Files that could not be used, each with its reason."""
    preprocessing: Preprocessing | None = None
    """As which they were read: it says whether these are whole pictures or tiles."""

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def sha256(self) -> str:
        return sha256_of_set(self.digests)

    def with_pixels(self, pixels: torch.Tensor) -> "ImageSet":
        """The same images under another treatment."""
        return replace(self, pixels=pixels)

    def subset(self, indices: Sequence[int]) -> "ImageSet":
        """Some of the images, copied."""
        return ImageSet(
            self.pixels[list(indices)],
            tuple(self.lots[i] for i in indices),
            tuple(self.digests[i] for i in indices),
            tuple(self.paths[i] for i in indices),
            preprocessing=self.preprocessing,
        )


def load_images(
    pictures: Sequence[Picture], preprocessing: Preprocessing, *, title: str = "reading images"
) -> ImageSet:
    """Decode and prepare every picture into memory; unreadable ones are named and left out.

    Raises DatasetError where fewer than MIN_IMAGE_COUNT can be read, and for more images than memory holds.
    """
    side = preprocessing.input_px
    pictures = in_tiles(pictures, preprocessing)
    try:
        pixels = np.empty((len(pictures), side, side, 3), np.uint8)
    except MemoryError:
        raise DatasetError(
            f"{len(pictures)} images of {side} x {side}: more than memory holds",
            "give fewer images or lower preprocessing.input_px",
        ) from None
    read: list[tuple[Picture, str]] = []
    faults: list[ImageError] = []
    results = in_threads(partial(read_prepared, preprocessing=preprocessing), pictures)
    for picture, result in zip(pictures, track(results, title, len(pictures)), strict=True):
        if isinstance(result, ImageError):
            faults.append(result)
            continue
        digest, pixels[len(read)] = result
        read.append((picture, digest))
    _tell(faults, len(pictures))
    _check_count(pictures, len(read), faults)
    return _image_set(torch.from_numpy(pixels[: len(read)]), read, faults, preprocessing)


def map_images(pictures: Sequence[Picture], preprocessing: Preprocessing, cache: Path) -> tuple[ImageSet, str]:
    """The same from a shard in `cache`, made first where it does not stand there whole, and the shard's name.

    Memory need not hold it.
    Raises DatasetError where fewer than MIN_IMAGE_COUNT can be read, and StorageError.
    """
    pictures = in_tiles(pictures, preprocessing)
    files = list(track(in_threads(read_digest, pictures), "reading images", len(pictures)))
    digests = [digest for digest in files if isinstance(digest, str)]
    name = shard_name(digests, preprocessing)
    shard = read_shard(cache, name)
    if shard is None:
        shard = write_shard(cache, name, preprocessing, _prepare_all(pictures, files, preprocessing))
    readable = set(shard.digests)
    read = [
        (picture, file)
        for picture, file in zip(pictures, files, strict=True)
        if isinstance(file, str) and file in readable
    ]
    faults = [
        fault
        for picture, file in zip(pictures, files, strict=True)
        if file not in readable and isinstance(fault := read_prepared(picture, preprocessing), ImageError)
    ]
    _tell(faults, len(pictures))
    return _image_set(shard.pixels, read, faults, preprocessing), name


def _prepare_all(
    pictures: Sequence[Picture], files: Sequence[str | ImageError], preprocessing: Preprocessing
) -> Iterator[tuple[str, np.ndarray]]:
    faults: list[ImageError] = []
    results = in_threads(partial(read_prepared, preprocessing=preprocessing), pictures)
    tracked = track(results, "preparing images", len(pictures))
    for picture, file, result in zip(pictures, files, tracked, strict=True):
        if isinstance(result, ImageError):
            faults.append(result)
        elif result[0] != file:
            raise DatasetError(f"{picture.path}: changed while it was read", "start again when the folder is at rest")
        else:
            yield result
    if len(pictures) - len(faults) < MIN_IMAGE_COUNT:
        _tell(faults, len(pictures))
    _check_count(pictures, len(pictures) - len(faults), faults)


def _image_set(
    pixels: torch.Tensor, read: list[tuple[Picture, str]], faults: list[ImageError], preprocessing: Preprocessing
) -> ImageSet:
    return ImageSet(
        pixels,
        tuple(picture.lot for picture, _ in read),
        tuple(digest for _, digest in read),
        tuple(picture.path for picture, _ in read),
        tuple(str(fault) for fault in faults),
        preprocessing,
    )


def _check_count(pictures: Sequence[Picture], count: int, faults: Sequence[ImageError]) -> None:
    if count >= MIN_IMAGE_COUNT:
        return
    folder = pictures[0].path.parent if pictures else "folder"
    found = f"{count} readable image{'' if count == 1 else 's'}"
    raise DatasetError(
        f"{folder}: {found}" + (f", {len(faults)} damaged" if faults else ""), f"give at least {MIN_IMAGE_COUNT}"
    )


def _tell(faults: list[ImageError], total: int) -> None:
    for fault in faults[:_SHOWN_FAULTS]:
        say(f"left out: {fault}")
    if faults:
        say(f"{len(faults)} of {total} images were left out")
