"""The two sides of a folder: images that were trained on, and those that were kept apart to judge by."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from inspection.errors import CalibrationError
from inspection.images.folders import find_pictures
from inspection.images.illumination import Illumination
from pretrain.data.image_set import ImageSet, load_images
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.treatment import to_bytes, treat_all
from pretrain.flaws import add_flaws
from pretrain.run_directory import RunDirectory, RunRecord

_MIN_HELD_OUT = 5
_MIN_TRAINED = 2
"""One to learn from, and one reserved."""


@dataclass(frozen=True)
class HeldOut:
    """Images that neither teacher nor student trained on, treated for the student; with and without a flaw."""

    images: ImageSet
    clean: Tensor
    flawed: Tensor
    untreated_clean: Tensor
    untreated_flawed: Tensor

    @property
    def both(self) -> Tensor:
        return torch.cat([self.clean, self.flawed])


def load_sides(folder: Path, run: RunDirectory, record: RunRecord, seed: int) -> tuple[ImageSet, HeldOut]:
    """Images of `folder` the run trained on, treated, and the others. Raises CalibrationError for too few of either."""
    plain = record.recipe.preprocessing.model_copy(update={"illumination": Illumination.NONE})
    images = load_images(find_pictures(folder), plain)
    seen = run.read_trained_digests()
    trained = [place for place, digest in enumerate(images.digests) if digest in seen]
    others = [place for place, digest in enumerate(images.digests) if digest not in seen]
    # Of images in tiles, the images count and not the tiles: a promise is about parts.
    trained_count, other_count = (len({images.paths[place] for place in side}) for side in (trained, others))
    if other_count < _MIN_HELD_OUT or trained_count < _MIN_TRAINED:
        raise CalibrationError(
            f"{folder}: {trained_count} images the teacher trained on and {other_count} it did not",
            f"give the folder it was trained from, or one with at least {_MIN_HELD_OUT} more",
        )
    illumination = record.recipe.preprocessing.illumination
    held = images.subset(others)
    generator = torch.Generator().manual_seed(seed)
    flawed = to_bytes(add_flaws(as_input(held.pixels, torch.device("cpu")), generator).pixels)
    fitted = images.subset(trained)
    return fitted.with_pixels(treat_all(fitted.pixels, illumination)), HeldOut(
        held, treat_all(held.pixels, illumination), treat_all(flawed, illumination), held.pixels, flawed
    )
