"""A shard: images decoded and prepared once into one file of uint8, which every later run maps into memory.

CACHE/NAME.uint8   pixels [N, S, S, 3], image by image, nothing else
CACHE/NAME.json    how they were prepared, the sha256 of the image file each row was made from, and of all the pixels

NAME follows from the image files and the preprocessing: other pictures or another treatment are another shard. The
JSON is written last and explains the pixels; where it is missing, or the pixels are not those it names, the shard is
made anew.
"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import torch

from inspection.config import Settings
from inspection.images.digest import sha256_of_bytes, sha256_of_file
from inspection.images.preprocess import Preprocessing
from pretrain.whole_files import told_of_the_disk

_ABANDONED_S = 3600.0
_LAYOUT = "1"


class _Explanation(Settings):
    preprocessing: Preprocessing
    digests: tuple[str, ...]
    pixels_sha256: str


@dataclass(frozen=True)
class Shard:
    """Pixels uint8 [N, S, S, 3], mapped from the file, and the sha256 of the image file behind each."""

    pixels: torch.Tensor
    digests: tuple[str, ...]


def shard_name(digests: Iterable[str], preprocessing: Preprocessing) -> str:
    """The name of a shard of image files with these digests, in this order."""
    return sha256_of_bytes("\n".join([_LAYOUT, preprocessing.model_dump_json(), *digests]).encode())[:32]


def read_shard(cache: Path, name: str, *, checked: bool = False) -> Shard | None:
    """The shard where it stands whole in `cache`; None where it must be made. `checked`: another process has looked."""
    try:
        explained = _Explanation.model_validate_json(_explanation_file(cache, name).read_text(encoding="utf-8"))
        is_whole = checked or _is_whole(_pixels_file(cache, name), explained)
        return _map(cache, name, explained) if is_whole else None
    except (OSError, ValueError):
        return None


def write_shard(
    cache: Path, name: str, preprocessing: Preprocessing, images: Iterable[tuple[str, np.ndarray]]
) -> Shard:
    """Write `images`, each with the digest of its file, whole or not at all. Raises StorageError."""
    digests: list[str] = []
    pixels_digest = hashlib.sha256()
    # Machines that share the folder may write the same shard at once, from processes of one number.
    partial = cache / f"{name}.{uuid4().hex}.partial"
    try:
        with told_of_the_disk(cache):
            cache.mkdir(parents=True, exist_ok=True)
            _sweep(cache)
            with partial.open("wb") as file:
                for digest, pixels in images:
                    row = np.ascontiguousarray(pixels)
                    file.write(row.data)
                    pixels_digest.update(row.data)
                    digests.append(digest)
            partial.replace(_pixels_file(cache, name))
            explained = _Explanation(
                preprocessing=preprocessing, digests=tuple(digests), pixels_sha256=pixels_digest.hexdigest()
            )
            partial.write_text(explained.model_dump_json() + "\n", encoding="utf-8")
            partial.replace(_explanation_file(cache, name))
    finally:
        partial.unlink(missing_ok=True)
    return _map(cache, name, explained)


def _map(cache: Path, name: str, explained: _Explanation) -> Shard:
    """A shard's pixels as memory: read from the disk where they are looked at, and kept by the system while it can."""
    shape = (len(explained.digests), *_image_shape(explained.preprocessing))
    # Copy on write: torch wants writable memory, and the file stays as it is.
    pixels = np.memmap(_pixels_file(cache, name), np.uint8, mode="c", shape=shape)
    return Shard(torch.from_numpy(pixels), explained.digests)


def _is_whole(pixels_file: Path, explained: _Explanation) -> bool:
    size = len(explained.digests) * int(np.prod(_image_shape(explained.preprocessing)))
    return size > 0 and pixels_file.stat().st_size == size and sha256_of_file(pixels_file) == explained.pixels_sha256


def _sweep(cache: Path) -> None:
    """Remove what killed runs left half written; a living one writes all the time."""
    for partial in cache.glob("*.partial"):
        if time.time() - partial.stat().st_mtime > _ABANDONED_S:
            partial.unlink(missing_ok=True)


def _image_shape(preprocessing: Preprocessing) -> tuple[int, int, int]:
    return preprocessing.input_px, preprocessing.input_px, 3


def _pixels_file(cache: Path, name: str) -> Path:
    return cache / f"{name}.uint8"


def _explanation_file(cache: Path, name: str) -> Path:
    return cache / f"{name}.json"
