"""From a folder to what a run trains on: images prepared, some of them held out, the illumination settled.

On every machine one process prepares the images and the others map its shard; rank 0 chooses the illumination.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from inspection.errors import TrainingError
from inspection.images.folders import find_pictures
from inspection.images.illumination import Illumination, treat
from inspection.images.preprocess import Preprocessing
from inspection.terminal import track
from pretrain.data.batches import TrainingImages
from pretrain.data.image_set import ImageSet, map_images
from pretrain.data.reading import in_threads
from pretrain.data.shard import read_shard, shard_name, write_shard
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.illumination import choose_illumination
from pretrain.evaluate.splits import split_by_lot
from pretrain.processes.distributed import Team, all_or_none, exchange
from pretrain.recipe import Recipe

_MOST_LOOKED_AT = 2048
"""Images from which the illumination is chosen: it looks at fewer still, and memory holds them all."""


@dataclass(frozen=True)
class Prepared:
    """The images to train on, and the recipe with its illumination settled.

    Only the process that prepares knows digests, the way images were held out, and those that could not be read.
    """

    images: TrainingImages
    recipe: Recipe
    digests: tuple[str, ...] = ()
    split: str = ""
    left_out: tuple[str, ...] = ()


def prepare_images(
    folder: Path, cache: Path, recipe: Recipe, encoder: Encoder, settled: Illumination | None, team: Team
) -> Prepared:
    """Prepare the images of `folder` as `recipe` says. `settled` is the choice of illumination a resumed run has made.

    Raises DatasetError, StorageError and TrainingError, on all processes or on none.
    """
    everything: ImageSet | None = None
    name, split, chosen = "", "", list[int]()
    with all_or_none(team):
        if team.leads_node:
            everything, name = map_images(find_pictures(folder), _as_read(recipe), cache)
            chosen, split = list(range(len(everything))), "none is held out"
            if recipe.hold_out:
                chosen, _, split = split_by_lot(everything, recipe.seed)
    if recipe.choose_illumination:
        illumination = settled
        with all_or_none(team):
            if everything is not None and team.leads and settled is None:
                illumination = choose_illumination(encoder, _some_of(everything, chosen, recipe.seed), recipe.seed)
        illumination = Illumination(exchange(team, illumination or Illumination.NONE)[0])
        preprocessing = recipe.preprocessing.model_copy(update={"illumination": illumination})
        recipe = recipe.model_copy(update={"preprocessing": preprocessing, "choose_illumination": False})
        with all_or_none(team):
            if everything is not None and illumination != Illumination.NONE:
                everything, name = _treated(everything, preprocessing, cache)
    rows, pixels = torch.tensor(chosen), everything.pixels if everything is not None else None
    if team.count > 1:
        rows, pixels = _agree(team, cache, name, rows, pixels)
    assert pixels is not None
    images = TrainingImages(pixels, rows)
    if everything is None:
        return Prepared(images, recipe)
    return Prepared(images, recipe, tuple(everything.digests[place] for place in chosen), split, everything.left_out)


def _as_read(recipe: Recipe) -> Preprocessing:
    """How images are read: without treatment where that is still to be chosen."""
    if recipe.choose_illumination:
        return recipe.preprocessing.model_copy(update={"illumination": Illumination.NONE})
    return recipe.preprocessing


def _some_of(everything: ImageSet, chosen: list[int], seed: int) -> ImageSet:
    if len(chosen) > _MOST_LOOKED_AT:
        shuffled = torch.randperm(len(chosen), generator=torch.Generator().manual_seed(seed))
        chosen = [chosen[place] for place in sorted(shuffled[:_MOST_LOOKED_AT].tolist())]
    return everything.subset(chosen)


def _treated(images: ImageSet, preprocessing: Preprocessing, cache: Path) -> tuple[ImageSet, str]:
    """The shard of `images` under the illumination of `preprocessing`, and its name."""
    name = shard_name(images.digests, preprocessing)
    shard = read_shard(cache, name)
    if shard is None:
        shard = write_shard(cache, name, preprocessing, _treat_all(images, preprocessing.illumination))
    return images.with_pixels(shard.pixels), name


def _treat_all(images: ImageSet, illumination: Illumination) -> Iterator[tuple[str, np.ndarray]]:
    treated = in_threads(lambda place: treat(images.pixels[place].numpy(), illumination), range(len(images)))
    return zip(images.digests, track(treated, "treating images", len(images)), strict=True)


def _agree(
    team: Team, cache: Path, name: str, rows: torch.Tensor, pixels: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows of rank 0 and the shard's pixels, on every process. Raises TrainingError."""
    told = exchange(team, {"name": name, "rows": rows.tolist() if team.leads else []})
    names = {one["name"] for one in told if one["name"]}
    if len(names) > 1:
        raise TrainingError("the machines of this run hold other images", "give --images the same pictures everywhere")
    with all_or_none(team):
        if pixels is None:
            shard = read_shard(cache, told[0]["name"], checked=True)
            if shard is None:
                raise TrainingError(f"{cache}: no shard of prepared images", "give --cache a folder all processes see")
            pixels = shard.pixels
    assert pixels is not None
    return torch.tensor(told[0]["rows"]), pixels
