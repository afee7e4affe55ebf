"""The beginning of a search: images read, light settled, the start examined; or all that found in the ledger."""

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from inspection.errors import DatasetError, TrainingError
from inspection.images.digest import sha256_of_file
from inspection.images.folders import find_pictures
from inspection.images.illumination import Illumination
from inspection.terminal import say
from pretrain.data.image_set import ImageSet, load_images
from pretrain.data.input_size import fit_input
from pretrain.encoder.encoder import Encoder
from pretrain.encoder.start_weights import load_start_weights
from pretrain.evaluate.illumination import choose_illumination
from pretrain.evaluate.splits import split_by_lot
from pretrain.explore.clock import Clock
from pretrain.explore.exam import Exam, compose_exam, examine
from pretrain.explore.ledger import Asked, Ledger, SearchDirectory
from pretrain.processes.device import device
from pretrain.recipe import Recipe

_MOST_FITTED, _MOST_HELD_OUT = 48, 40
_FLAW_COUNT = 80
"""Flaws of an exam: where few images are held out, each carries more of them, one at a time."""


@dataclass(frozen=True)
class ExploreRequest:
    """What a person asks for on the command line."""

    recipe: Recipe
    images: Path
    out: Path
    minutes: float
    start_weights: Path | None = None
    resume: bool = False


@dataclass(frozen=True)
class Samples:
    """Untreated uint8 images [N, S, S, 3] for exams: those for the bank, and those that no candidate trains on."""

    fitted: Tensor
    held_out: Tensor
    split: str

    def exam(self, illumination: Illumination, seed: int) -> Exam:
        return compose_exam(self.fitted, self.held_out, illumination, math.ceil(_FLAW_COUNT / len(self.held_out)), seed)


@dataclass
class Search:
    """A search under way. `start` is the recipe that was given, with its light settled."""

    request: ExploreRequest
    directory: SearchDirectory
    samples: Samples
    start: Recipe
    clock: Clock
    ledger: Ledger

    def record(self, **changes: object) -> None:
        """Change the ledger, in memory and on disk."""
        self.ledger = self.ledger.model_copy(update={**changes, "spent_s": self.clock.spent_s})
        self.directory.write(self.ledger)


def begin(request: ExploreRequest) -> Search:
    """Start a search, or take up the one at `request.out`.

    Raises KensaError, also where `out` holds a search that was asked for something else.
    """
    directory = SearchDirectory(request.out)
    found = directory.read()
    if found is not None and not request.resume:
        raise TrainingError(f"{request.out}: holds a search already", "add --resume, or choose another --out")
    request = replace(request, recipe=fit_input(request.recipe, find_pictures(request.images)))
    clock = Clock(request.minutes, found.spent_s if found else 0.0)
    encoder = start_encoder(request)
    images, read_s = _read(request)
    asked = _asked(request, images)
    if found is not None and found.asked != asked:
        raise TrainingError(
            f"{request.out}: was started with another recipe, other images, weights or minutes",
            "resume with the same, or choose another --out",
        )
    # As `train` splits them: what judges here is what no candidate trains on.
    fitted, held_out, split = split_by_lot(images, request.recipe.seed)
    say(f"{len(fitted)} images to train on, {len(held_out)} held out to judge, {split}")
    if not held_out:
        raise DatasetError(f"{request.images}: nothing is left to judge by", "give at least two pictures")
    samples = Samples(_some(images, fitted, _MOST_FITTED), _some(images, held_out, _MOST_HELD_OUT), split)
    ledger = found or _first_ledger(request, encoder, images.subset(fitted), samples, asked, read_s)
    settled = request.recipe.preprocessing.model_copy(update={"illumination": ledger.illumination})
    start = request.recipe.model_copy(update={"preprocessing": settled, "choose_illumination": False})
    search = Search(request, directory, samples, start, clock, ledger)
    search.record()
    return search


def start_encoder(request: ExploreRequest) -> Encoder:
    """The encoder every candidate starts from. Raises KensaError."""
    torch.manual_seed(request.recipe.seed)
    encoder = Encoder(request.recipe.encoder)
    if request.start_weights is not None:
        load_start_weights(encoder, request.start_weights)
    elif request.recipe.needs_start_weights:
        raise TrainingError(
            f"recipe {request.recipe.name}: adapts start weights and there are none", "give --init or another recipe"
        )
    return encoder.to(device())


def _read(request: ExploreRequest) -> tuple[ImageSet, float]:
    began = time.monotonic()
    plain = request.recipe.preprocessing.model_copy(update={"illumination": Illumination.NONE})
    return load_images(find_pictures(request.images), plain), time.monotonic() - began


def _asked(request: ExploreRequest, images: ImageSet) -> Asked:
    return Asked(
        recipe_sha256=request.recipe.sha256(),
        images_sha256=images.sha256,
        start_weights_sha256=sha256_of_file(request.start_weights) if request.start_weights else None,
        minutes=request.minutes,
        seed=request.recipe.seed,
    )


def _first_ledger(
    request: ExploreRequest, encoder: Encoder, trained: ImageSet, samples: Samples, asked: Asked, read_s: float
) -> Ledger:
    seed, illumination = request.recipe.seed, request.recipe.preprocessing.illumination
    if request.recipe.choose_illumination:
        illumination = choose_illumination(encoder, trained, seed)
    exam = samples.exam(illumination, seed)
    began = time.monotonic()
    marks = examine(encoder, exam, seed)
    exam_s = time.monotonic() - began
    return Ledger(
        asked=asked, illumination=illumination, start=marks, exam_s=exam_s, overhead_s=read_s + exam_s, spent_s=0.0
    )


def _some(images: ImageSet, indices: list[int], most: int) -> Tensor:
    """At most `most` of the images, evenly from all of them."""
    step = max(len(indices) / most, 1.0)
    return images.pixels[[indices[int(place * step)] for place in range(min(len(indices), most))]]
