"""Large pictures in tiles: each tile is an image of its own to training, and its picture's wherever that counts.

A picture is decoded once for all its tiles, since they are asked for one after the other.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from inspection.errors import ImageError
from inspection.images.decode import MIN_SIDE_PX, Image, decode_image
from inspection.images.digest import sha256_of_bytes
from inspection.images.folders import Picture
from inspection.images.header import read_size
from inspection.images.preprocess import Preprocessing, prepare
from inspection.images.tiles import TileLayout, cut_tiles

_PICTURES_IN_HAND = 4
# One decodes while the others wait for it: many threads ask for tiles of the same picture.
_decoding = Lock()


def in_tiles(pictures: Iterable[Picture], preprocessing: Preprocessing) -> list[Picture]:
    """`pictures`, each as often as it has tiles; as they are where the preprocessing cuts none.

    One whose size cannot be read stays one picture, and is told as unreadable when it is read.
    """
    if preprocessing.tiles is None:
        return list(pictures)
    return [part for picture in pictures for part in _tiles_of(picture, preprocessing)]


def read_tile(picture: Picture, preprocessing: Preprocessing) -> tuple[str, np.ndarray] | ImageError:
    """The digest of a tile and its pixels, uint8 [S, S, 3]; or why the picture cannot be used."""
    assert picture.tile is not None
    found = _read_whole(picture, preprocessing.significant_bits)
    if isinstance(found, ImageError):
        return found
    digest, image = found
    layout = preprocessing.lay_tiles(image.shape[1], image.shape[0])
    assert layout is not None
    return tile_digest(digest, picture.tile), prepare(cut_tiles(image, layout)[picture.tile], preprocessing)


def read_tile_digest(picture: Picture) -> str | ImageError:
    """The digest of a tile, without decoding it."""
    assert picture.tile is not None
    try:
        with _decoding:
            digest = _digest_of_file(picture.path, _age(picture.path))
    except OSError as error:
        return ImageError(f"{picture.path}: {error.strerror}", "make the file readable or remove it")
    return tile_digest(digest, picture.tile)


def tile_digest(digest: str, tile: int) -> str:
    """sha256 that names a tile of the file with that digest."""
    return sha256_of_bytes(f"{digest} tile {tile}".encode())


def layout_of(path: Path, preprocessing: Preprocessing) -> TileLayout | None:
    """Where the tiles of a file lie; None where it is not cut, or its size cannot be read."""
    try:
        size = read_size(path.read_bytes())
    except OSError:
        return None
    return preprocessing.lay_tiles(*size) if size and min(size) >= MIN_SIDE_PX else None


def _tiles_of(picture: Picture, preprocessing: Preprocessing) -> list[Picture]:
    layout = layout_of(picture.path, preprocessing)
    return [picture] if layout is None else [replace(picture, tile=number) for number in range(len(layout))]


def _read_whole(picture: Picture, significant_bits: int) -> tuple[str, Image] | ImageError:
    try:
        with _decoding:
            return _decode(picture.path, _age(picture.path), significant_bits)
    except OSError as error:
        return ImageError(f"{picture.path}: {error.strerror}", "make the file readable or remove it")
    except ImageError as error:
        return error


@lru_cache(_PICTURES_IN_HAND)
def _decode(path: Path, _: tuple[int, int], significant_bits: int) -> tuple[str, Image]:
    data = path.read_bytes()
    return sha256_of_bytes(data), decode_image(data, name=str(path), significant_bits=significant_bits)


@lru_cache(_PICTURES_IN_HAND)
def _digest_of_file(path: Path, _: tuple[int, int]) -> str:
    return sha256_of_bytes(path.read_bytes())


def _age(path: Path) -> tuple[int, int]:
    """What changes when the file does."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size
