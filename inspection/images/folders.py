"""Folders of pictures: which images they hold, from which lot, and what is known of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inspection.errors import DatasetError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
GOOD = "good"


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file, or one tile of it. `lot` is the folder it lies in below the root, or '' where all lie together."""

    path: Path
    lot: str = ""
    tile: int | None = None


@dataclass(frozen=True, slots=True)
class LabeledPicture:
    """An image whose truth is known; `mask` is the file that marks its defect, where there is one."""

    path: Path
    defect: str
    mask: Path | None = None

    @property
    def is_defective(self) -> bool:
        return self.defect != GOOD


def training_folder(root: Path) -> Path:
    """The folder of unlabeled images: the train/good or train folder of `root` where it has one, else `root`."""
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder", "give a folder of images")
    for candidate in (root / "train" / GOOD, root / "train"):
        if candidate.is_dir():
            return candidate
    return root


def find_pictures(root: Path) -> list[Picture]:
    """All unlabeled images below `root`, sorted; raises DatasetError where there is none."""
    folder = training_folder(root)
    # Labeled pictures and masks are never training images, not even where there is no train folder.
    labeled = (root / "test", root / "ground_truth")
    pictures = [
        Picture(path, _lot(path, folder))
        for path in _image_files(folder)
        if not any(path.is_relative_to(one) for one in labeled)
    ]
    if not pictures:
        raise DatasetError(f"{folder}: holds no image", f"put {', '.join(sorted(SUFFIXES))} files there")
    return pictures


def find_labeled_pictures(root: Path) -> list[LabeledPicture]:
    """The pictures of test/<defect>, with masks of ground_truth/<defect>; empty where there is no test folder."""
    test = root / "test"
    folders = sorted(path for path in test.iterdir() if path.is_dir()) if test.is_dir() else []
    return [
        LabeledPicture(path, folder.name, _mask_of(root, folder.name, path))
        for folder in folders
        for path in _image_files(folder)
    ]


def _image_files(folder: Path) -> Iterable[Path]:
    # Names that begin with a dot are notes of an operating system beside the pictures (._part.png), or its thumbnails.
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(path for path in found if not any(p.startswith(".") for p in path.relative_to(folder).parts))


def _lot(path: Path, folder: Path) -> str:
    inner = path.relative_to(folder).parent
    return "" if inner == Path() else inner.parts[0]


def _mask_of(root: Path, defect: str, path: Path) -> Path | None:
    mask = root / "ground_truth" / defect / f"{path.stem}_mask.png"
    return mask if mask.is_file() else None
