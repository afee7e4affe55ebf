"""A packed set of labeled JPEG images in one .npz file.

jpeg     uint8 [bytes]   all images, one after the other
offsets  int64 [N + 1]   image i is jpeg[offsets[i]:offsets[i + 1]]
labels   integer [N]     which of the classes
is_test  bool [N]        the set's own split
classes  text [K]        names
"""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspection.errors import DatasetError

_KEYS = ("jpeg", "offsets", "labels", "is_test", "classes")


@dataclass(frozen=True)
class JpegPack:
    """The five arrays, checked against each other."""

    jpeg: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    is_test: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def bytes_of(self, index: int) -> bytes:
        """Image `index` as it was packed, a whole JPEG file."""
        return self.jpeg[self.offsets[index] : self.offsets[index + 1]].tobytes()


def read_jpeg_pack(path: Path) -> JpegPack:
    """Raises DatasetError for a file that is no such pack, naming the array that does not fit."""
    arrays = _read_arrays(path)
    if missing := [key for key in _KEYS if key not in arrays]:
        raise DatasetError(f"{path}: has no array {missing[0]}", f"give a pack with {', '.join(_KEYS)}")
    pack = JpegPack(
        arrays["jpeg"],
        arrays["offsets"],
        arrays["labels"],
        arrays["is_test"],
        tuple(str(name) for name in arrays["classes"].reshape(-1)),
    )
    if wrong := _misfit(pack):
        raise DatasetError(f"{path}: {wrong}", "pack the images again")
    return pack


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        # Without pickles: a pack is numbers and names, never code.
        with path.open("rb") as stream, np.lib.npyio.NpzFile(stream, allow_pickle=False) as file:
            return {key: file[key] for key in _KEYS if key in file.files}
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file", "give a labeled folder or a pack of JPEG images") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).partition("\n")[0][:120]
        raise DatasetError(
            f"{path}: not a pack of JPEG images ({reason})", "give an .npz file of packed JPEGs"
        ) from None


def _misfit(pack: JpegPack) -> str | None:
    count = len(pack.labels)
    if pack.jpeg.dtype != np.uint8 or pack.jpeg.ndim != 1:
        return "jpeg is no row of bytes"
    if pack.offsets.shape != (count + 1,) or pack.offsets.dtype.kind not in "iu":
        return f"offsets must be {count + 1} whole numbers, one more than labels"
    if count == 0 or pack.offsets[0] != 0 or pack.offsets[-1] != len(pack.jpeg) or (np.diff(pack.offsets) <= 0).any():
        return "offsets do not cut jpeg in images"
    if pack.labels.dtype.kind not in "iu" or pack.labels.min() < 0 or pack.labels.max() >= len(pack.classes):
        return f"labels must be whole numbers below {len(pack.classes)}, the number of classes"
    if pack.is_test.shape != (count,) or pack.is_test.dtype != np.bool_:
        return f"is_test must be {count} truth values"
    return None
