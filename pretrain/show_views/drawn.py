"""What a recipe draws from one image: views, matched places and a flaw, by the very functions a training step calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inspection.errors import DatasetError, ImageError
from inspection.images.decode import Image, read_image
from inspection.images.folders import Picture
from inspection.images.preprocess import prepare
from inspection.images.tiles import cut_tiles
from inspection.terminal import say
from pretrain.encoder.luminance import luminance
from pretrain.evaluate.embeddings import as_input
from pretrain.flaws import add_flaws
from pretrain.losses.dense_contrast import carry, cell_centres
from pretrain.losses.flaw_contrast import changed_cells, grow
from pretrain.recipe import Recipe
from pretrain.views.sampler import draw_views

MATCH_COUNT = 8
_MATCHES_APART = 0.4
"""Least distance between matched places that are shown, in -1..1: numbers shall not hide each other."""


@dataclass(frozen=True)
class Source:
    """An image as the camera took it, or a tile of it, uint8 [H, W, 1 or 3]; and as the encoder gets it, [S, S, 3]."""

    path: Path
    taken: Image
    prepared: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """What one training step would draw from `source`, as the encoder sees it: of one channel where it sees grey.

    `views` are uint8 [V, V, 3 or 1], `placements` float [2, 3] each, from view to image, both in -1..1; `small_views`
    likewise, where the recipe has them. `places` and `matches` [M, 2] are the same spots in the first
    and in the last view, `shared` and `shared_last` bool [h, w] the cells of either that the other shows too. `flawed`
    is the first view with a flaw, `changed` bool [V, V] its pixels; `flaw_cells` and `near_flaw` bool [h, w] are the
    cells it changed, and those its edge reaches.
    """

    source: Source
    views: list[np.ndarray]
    placements: list[np.ndarray]
    small_views: list[np.ndarray]
    small_placements: list[np.ndarray]
    places: np.ndarray
    matches: np.ndarray
    shared: np.ndarray
    shared_last: np.ndarray
    flawed: np.ndarray
    changed: np.ndarray
    flaw_cells: np.ndarray
    near_flaw: np.ndarray


def read_sources(pictures: Sequence[Picture], recipe: Recipe, count: int, seed: int) -> list[Source]:
    """`count` random readable images, prepared. Raises DatasetError where none can be read."""
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed)).tolist()
    sources: list[Source] = []
    for index in order:
        if len(sources) == count:
            break
        path = pictures[index].path
        try:
            taken = read_image(path, significant_bits=recipe.preprocessing.significant_bits)
        except ImageError as error:
            say(f"left out: {error}")
            continue
        layout = recipe.preprocessing.lay_tiles(taken.shape[1], taken.shape[0])
        # Training knows large images by their tiles; the one in the middle stands for them.
        seen = taken if layout is None else cut_tiles(taken, layout)[len(layout) // 2]
        sources.append(Source(path, seen, prepare(seen, recipe.preprocessing)))
    if not sources:
        raise DatasetError(
            f"{pictures[0].path.parent}: no readable image", "put whole PNG, JPEG, BMP or TIFF files there"
        )
    return sources


def draw(sources: Sequence[Source], recipe: Recipe, seed: int) -> list[Drawn]:
    """What one step draws from all of `sources`, as one batch."""
    generator = torch.Generator().manual_seed(seed)
    images = as_input(torch.from_numpy(np.stack([source.prepared for source in sources])), torch.device("cpu"))
    images = images if recipe.encoder.colour else luminance(images)
    views = [draw_views(images, recipe.views, generator) for _ in range(recipe.view_count)]
    small_count = recipe.views.small_count if recipe.method.small_weight else 0
    small = [draw_views(images, recipe.views, generator, small=True) for _ in range(small_count)]
    first, last = views[0], views[-1]
    flawed = add_flaws(first.pixels, generator)
    side = recipe.views.view_px // recipe.encoder.taps[0]
    cells = changed_cells(flawed.changed, side, side)
    near = grow(cells) & ~cells
    centres = cell_centres(side, side, images.device).expand(len(images), -1, -1)
    matches, back = (carry(centres, one.placement, other.placement) for one, other in ((first, last), (last, first)))
    drawn = []
    for index, source in enumerate(sources):
        inside, inside_last = (_inside(points[index]) for points in (matches, back))
        chosen = _spread_out(centres[index], inside, generator)
        drawn.append(
            Drawn(
                source=source,
                views=[_as_bytes(view.pixels[index]) for view in views],
                placements=[view.placement[index].numpy() for view in views],
                small_views=[_as_bytes(view.pixels[index]) for view in small],
                small_placements=[view.placement[index].numpy() for view in small],
                places=centres[index][chosen].numpy(),
                matches=matches[index][chosen].numpy(),
                shared=inside.view(side, side).numpy(),
                shared_last=inside_last.view(side, side).numpy(),
                flawed=_as_bytes(flawed.pixels[index]),
                changed=flawed.changed[index].numpy(),
                flaw_cells=cells[index].numpy(),
                near_flaw=near[index].numpy(),
            )
        )
    return drawn


def _inside(points: Tensor) -> Tensor:
    return (points.abs() <= 1).all(-1)


def _spread_out(centres: Tensor, seen: Tensor, generator: torch.Generator) -> list[int]:
    """Indices of at most MATCH_COUNT seen cells, in random places but apart from each other."""
    chosen: list[int] = []
    for index in torch.randperm(len(centres), generator=generator).tolist():
        apart = all(torch.dist(centres[index], centres[other]) >= _MATCHES_APART for other in chosen)
        if bool(seen[index]) and apart and len(chosen) < MATCH_COUNT:
            chosen.append(index)
    return chosen


def _as_bytes(pixels: Tensor) -> np.ndarray:
    """Float [C, V, V] in 0..1 to uint8 [V, V, C]."""
    shown: np.ndarray = (pixels.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    return shown
