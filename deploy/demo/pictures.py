"""A folder of real pictures as material of the demonstration: labelled tests, or a part of it held back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from deploy.demo.shots import Material, Shot
from inspection.errors import DatasetError, ImageError, StorageError
from inspection.images.decode import read_image
from inspection.images.folders import Picture, find_labeled_pictures, find_pictures, training_folder

HELD_BACK_RATE = 0.2
FEWEST_PICTURES = 10
LABEL_CHARACTERS = 128
"""The longest part id that the verdict contract takes."""


def hold_back(pictures: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """(to learn from, for the camera): the camera gets the last fifth of each lot.

    Names mostly carry the time, and neighbours in time look alike: a random choice would flatter.
    """
    learn: list[Picture] = []
    held: list[Picture] = []
    for _, lot in groupby(pictures, key=lambda picture: picture.lot):
        of_lot = list(lot)
        kept = len(of_lot) - int(len(of_lot) * HELD_BACK_RATE)
        learn += of_lot[:kept]
        held += of_lot[kept:]
    return learn, held


def gather(pictures: Sequence[Picture], root: Path, folder: Path) -> None:
    """Make `folder` hold exactly these pictures of `root`: as links where the disk can, else as copies."""
    shutil.rmtree(folder, ignore_errors=True)
    for picture in pictures:
        place = folder / picture.path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(picture.path, place)
        except OSError:  # another file system, or one without links
            try:
                shutil.copy2(picture.path, place)
            except OSError as error:
                raise StorageError(f"{place}: {error.strerror}", "free space or name another --data") from None


def require_a_readable_one(pictures: Sequence[Picture], root: Path) -> None:
    """Raise DatasetError, with what is wrong with the first, unless at least one picture can be decoded."""
    problems: list[ImageError] = []
    for picture in pictures:
        try:
            read_image(picture.path)
        except ImageError as error:
            problems.append(error)
        else:
            return
    raise DatasetError(
        f"{root}: not one of its {len(pictures)} images can be read; {problems[0].problem}",
        problems[0].remedy,
    )


def labeled_material(root: Path) -> Material:
    """Learn from train/good, post test/*: in an order that tells nothing, under names that tell nothing."""
    require_a_readable_one(find_pictures(root), root)
    tests = find_labeled_pictures(root)
    order = np.random.default_rng(0).permutation(len(tests))
    shots = [
        Shot(tests[place].path, f"part-{number:05d}", root.resolve().name, tests[place].defect)
        for number, place in enumerate(order, start=1)
    ]
    return Material(training_folder(root), shots)


def unlabeled_material(root: Path, folder: Path) -> Material:
    """Learn from most pictures (gathered in `folder`), post the ones held back; nobody knows their truth."""
    pictures = find_pictures(root)
    if len(pictures) < FEWEST_PICTURES:
        raise DatasetError(f"{root}: holds {len(pictures)} images", f"give at least {FEWEST_PICTURES}")
    require_a_readable_one(pictures, root)
    learn, held = hold_back(pictures)
    gather(learn, training_folder(root), folder)
    shots = [
        Shot(picture.path, picture.path.stem[:LABEL_CHARACTERS], picture.lot or root.resolve().name, None)
        for picture in held
    ]
    return Material(folder, shots)


def material_of(root: Path, folder: Path) -> Material:
    """What to learn from and what to post of a folder of real pictures; raises DatasetError."""
    find_pictures(root)
    return labeled_material(root) if (root / "test").is_dir() else unlabeled_material(root, folder)
