"""Images whose class is known, in two parts: one that fits a classifier on frozen features, one that judges it."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inspection.errors import DatasetError
from inspection.images.decode import decode_image
from inspection.images.digest import sha256_of_bytes
from inspection.images.folders import SUFFIXES
from inspection.images.preprocess import Preprocessing, prepare
from inspection.terminal import track
from pretrain.evaluate.jpeg_pack import read_jpeg_pack

_TEST_SHARE = 0.2


@dataclass(frozen=True)
class LabeledFile:
    """One encoded image: `name` says where it lies, `suffix` how it is encoded, and `read` gives its bytes."""

    name: str
    suffix: str
    label: int
    is_test: bool
    read: Callable[[], bytes]


@dataclass(frozen=True)
class LabeledFiles:
    """Images not yet decoded, and how they are split."""

    files: tuple[LabeledFile, ...]
    classes: tuple[str, ...]
    split: str

    def part(self, *, is_test: bool) -> list[LabeledFile]:
        return [file for file in self.files if file.is_test == is_test]

    def only(self, classes: Sequence[str], train_images_per_class: int | None) -> "LabeledFiles":
        """Some classes, in the order named, with the first so many training images of each. Raises DatasetError."""
        if unknown := [name for name in classes if name not in self.classes]:
            raise DatasetError(f"class {unknown[0]}: not in the data", f"choose from {', '.join(self.classes)}")
        kept: list[LabeledFile] = []
        for label, name in enumerate(classes):
            own = [file for file in self.files if self.classes[file.label] == name]
            chosen = [file for file in own if not file.is_test][:train_images_per_class]
            chosen += [file for file in own if file.is_test]
            kept += [replace(file, label=label) for file in chosen]
        return LabeledFiles(tuple(kept), tuple(classes), self.split)


@dataclass(frozen=True)
class LabeledPart:
    """N prepared images, uint8 [N, S, S, 3], the class of each, int64 [N], and the digest of each file."""

    pixels: Tensor
    labels: np.ndarray
    digests: tuple[str, ...]


@dataclass(frozen=True)
class LabeledImages:
    """Both parts, prepared as the encoder's recipe says."""

    train: LabeledPart
    test: LabeledPart
    classes: tuple[str, ...]
    split: str


def find_labeled_files(path: Path, seed: int) -> LabeledFiles:
    """The images of a pack (.npz), of a folder with train/CLASS and test/CLASS, or of one with CLASS folders.

    CLASS folders without a split of their own are split by us: a fifth of each class, drawn by `seed`, judges.
    Raises DatasetError.
    """
    if path.suffix.lower() == ".npz":
        found = _from_pack(path)
    elif not path.is_dir():
        raise DatasetError(f"{path}: no such folder", "give a labeled folder or a pack of JPEG images")
    elif (path / "train").is_dir() and (path / "test").is_dir():
        found = _from_split_folders(path)
    else:
        found = _from_class_folders(path, seed)
    _check_classes(found, path)
    return found


def load_labeled_images(files: LabeledFiles, preprocessing: Preprocessing) -> LabeledImages:
    """Decode and prepare all of them. Raises ImageError: figures on the readable rest would be of another set."""
    parts = [_load(files.part(is_test=is_test), preprocessing) for is_test in (False, True)]
    return LabeledImages(parts[0], parts[1], files.classes, files.split)


def _from_pack(path: Path) -> LabeledFiles:
    pack = read_jpeg_pack(path)
    files = (
        LabeledFile(f"{path}[{index}]", ".jpg", int(label), bool(is_test), partial(pack.bytes_of, index))
        for index, (label, is_test) in enumerate(zip(pack.labels, pack.is_test, strict=True))
    )
    return LabeledFiles(tuple(files), pack.classes, "the pack's own")


def _from_split_folders(root: Path) -> LabeledFiles:
    classes = sorted(_folders(root / "train"))
    if strangers := sorted(set(_folders(root / "test")) - set(classes)):
        raise DatasetError(
            f"{root / 'test' / strangers[0]}: no such class in train", "give both parts the same classes"
        )
    files = [
        _file(path, label, is_test=part == "test")
        for part in ("train", "test")
        for label, name in enumerate(classes)
        for path in _image_files(root / part / name)
    ]
    return LabeledFiles(tuple(files), tuple(classes), "the folder's own")


def _from_class_folders(root: Path, seed: int) -> LabeledFiles:
    classes = sorted(_folders(root))
    generator = torch.Generator().manual_seed(seed)
    files: list[LabeledFile] = []
    for label, name in enumerate(classes):
        paths = _image_files(root / name)
        drawn = torch.randperm(len(paths), generator=generator)[: max(round(_TEST_SHARE * len(paths)), 1)].tolist()
        files += [_file(path, label, is_test=place in set(drawn)) for place, path in enumerate(paths)]
    return LabeledFiles(tuple(files), tuple(classes), f"ours: {_TEST_SHARE:.0%} of each class drawn by seed {seed}")


def _check_classes(found: LabeledFiles, path: Path) -> None:
    if len(found.classes) < 2:
        raise DatasetError(
            f"{path}: {len(found.classes)} classes of images", "give two or more: train/CLASS and test/CLASS, or CLASS"
        )
    for is_test, part in ((False, "fit"), (True, "test")):
        present = {file.label for file in found.part(is_test=is_test)}
        if absent := [name for label, name in enumerate(found.classes) if label not in present]:
            raise DatasetError(f"{path}: class {absent[0]} has no image to {part} on", "add some, or remove the class")


def _folders(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _image_files(folder: Path) -> list[Path]:
    found: Iterable[Path] = folder.rglob("*") if folder.is_dir() else ()
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))


def _file(path: Path, label: int, *, is_test: bool) -> LabeledFile:
    return LabeledFile(str(path), path.suffix, label, is_test, path.read_bytes)


def _load(files: Sequence[LabeledFile], preprocessing: Preprocessing) -> LabeledPart:
    def read(file: LabeledFile) -> tuple[np.ndarray, str]:
        try:
            data = file.read()
        except OSError as error:
            raise DatasetError(f"{file.name}: {error.strerror}", "make the file readable") from None
        image = decode_image(data, name=file.name, significant_bits=preprocessing.significant_bits)
        return prepare(image, preprocessing), sha256_of_bytes(data)

    side = preprocessing.input_px
    pixels = np.empty((len(files), side, side, 3), np.uint8)
    digests = []
    with ThreadPoolExecutor() as pool:
        for place, (image, digest) in enumerate(track(pool.map(read, files), "reading labeled images", len(files))):
            pixels[place] = image
            digests.append(digest)
    return LabeledPart(torch.from_numpy(pixels), np.array([file.label for file in files]), tuple(digests))
