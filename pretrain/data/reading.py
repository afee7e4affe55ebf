"""Reading pictures in parallel: bytes, digest, decoding and preparing, in threads, since OpenCV lets go of Python."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from inspection.errors import ImageError
from inspection.images.decode import decode_image
from inspection.images.digest import sha256_of_bytes
from inspection.images.folders import Picture
from inspection.images.preprocess import Preprocessing, prepare
from pretrain.data.tiled_pictures import read_tile, read_tile_digest

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`function` of every item, in order; a few are worked on ahead, never all of them: results may be large."""
    workers = (os.cpu_count() or 1) + 1
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def read_digest(picture: Picture) -> str | ImageError:
    """sha256 of an image file, decodable or not; of a tile, the digest that names it."""
    if picture.tile is not None:
        return read_tile_digest(picture)
    data = _read_bytes(picture)
    return data if isinstance(data, ImageError) else sha256_of_bytes(data)


def read_prepared(picture: Picture, preprocessing: Preprocessing) -> tuple[str, np.ndarray] | ImageError:
    """sha256 of an image file or tile and its pixels, uint8 [S, S, 3]; or why it cannot be used."""
    if picture.tile is not None:
        return read_tile(picture, preprocessing)
    data = _read_bytes(picture)
    if isinstance(data, ImageError):
        return data
    try:
        image = decode_image(data, name=str(picture.path), significant_bits=preprocessing.significant_bits)
    except ImageError as error:
        return error
    return sha256_of_bytes(data), prepare(image, preprocessing)


def _read_bytes(picture: Picture) -> bytes | ImageError:
    try:
        return picture.path.read_bytes()
    except OSError as error:
        return ImageError(f"{picture.path}: {error.strerror}", "make the file readable or remove it")
