"""The panels of one image: a tile, its title and one sentence each, in the order a training step goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import ceil

import numpy as np
from PIL import Image, ImageDraw

from pretrain.recipe import Recipe
from pretrain.show_views.canvas import (
    FAINT,
    FLAW,
    KEPT,
    MATCH_COLOURS,
    PAPER,
    RULE,
    SMALL_COLOUR,
    TILE_PX,
    VIEW_COLOURS,
    as_tile,
    blank_tile,
    encircle,
    frame,
    number,
    outline,
    tint,
    to_pixels,
    wrap,
    write_lines,
)
from pretrain.show_views.drawn import Drawn

COLUMNS = 6
_MOST_COMBINATIONS = 12
_NAME_LENGTH = 30
_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)


@dataclass(frozen=True)
class Panel:
    """A picture of TILE_PX x TILE_PX, what it is, and what to see in it."""

    tile: Image.Image
    title: str
    sentence: str


def panels_of(drawn: Drawn, recipe: Recipe) -> list[list[Panel]]:
    """Two rows: where the views come from, and what is compared."""
    where_from = [_taken(drawn), _prepared(drawn, recipe), *_views(drawn), *_small_views(drawn), _meetings(recipe)]
    return [
        where_from[:COLUMNS],
        [*_patches(drawn, recipe), *_matches(drawn, recipe), *_flaws(drawn, recipe)],
    ]


def _taken(drawn: Drawn) -> Panel:
    height, width, channels = drawn.source.taken.shape
    kind = "grey" if channels == 1 else "colour"
    name = drawn.source.path.name
    short = name if len(name) <= _NAME_LENGTH else f"{name[:12]}...{name[-14:]}"
    return Panel(frame(as_tile(drawn.source.taken), RULE, 1), "The image", f"{short}, {width} x {height} px, {kind}")


def _prepared(drawn: Drawn, recipe: Recipe) -> Panel:
    tile, side = as_tile(drawn.source.prepared), recipe.preprocessing.input_px
    for placement in drawn.small_placements:
        outline(tile, _corners(placement), SMALL_COLOUR, 1)
    for index, placement in enumerate(drawn.placements):
        outline(tile, _corners(placement), VIEW_COLOURS[index])
    for index, placement in enumerate(drawn.placements):
        (left, top), (right, bottom) = to_pixels(_corners(placement)).min(0), to_pixels(_corners(placement)).max(0)
        # Each in a corner of its own, so that views of nearly the same place keep their numbers apart.
        place = ((left + 5, top + 5), (right - 20, top + 5), (left + 5, bottom - 24))[index]
        number(tile, place, str(index + 1), VIEW_COLOURS[index])
    light = recipe.preprocessing.illumination.value.replace("_", " ")
    thin = ", thin: the small ones" if drawn.small_views else ""
    return Panel(tile, "Prepared", f"{side} x {side} px, light treatment: {light}. Frames: the views{thin}")


def _corners(placement: np.ndarray) -> np.ndarray:
    corners: np.ndarray = _CORNERS @ placement[:, :2].T + placement[:, 2]
    return corners


def _views(drawn: Drawn) -> Iterator[Panel]:
    for index, (view, placement) in enumerate(zip(drawn.views, drawn.placements, strict=True)):
        share = abs(float(np.linalg.det(placement[:, :2])))
        mirrored = ", mirrored" if np.linalg.det(placement[:, :2]) < 0 else ""
        sentence = f"shows {share:.0%} of the image{mirrored}, in another light"
        yield Panel(frame(as_tile(view), VIEW_COLOURS[index]), f"View {index + 1}", sentence)


def _small_views(drawn: Drawn) -> Iterator[Panel]:
    if drawn.small_views:
        columns = 2 if len(drawn.small_views) <= 4 else 3 if len(drawn.small_views) <= 9 else 4
        sheet = _sheet([as_tile(view) for view in drawn.small_views], columns)
        yield Panel(sheet, "Small views", "each must find views 1 and " + f"{len(drawn.views)} of the same image")


def _meetings(recipe: Recipe) -> Panel:
    """What is held against what, in words."""
    method, tile, last = recipe.method, frame(blank_tile(), RULE, 1), recipe.view_count
    remembered = "the nearest remembered view" if method.neighbours else "the view as the other network saw it"
    meetings = (
        (method.global_weight, f"1 and {last}: each whole view against {remembered}"),
        (method.local_weight, "1 and 2: each whole view against the patches of the other"),
        (method.dense_weight, f"1 and {last}: place against place"),
        (method.flaw_weight, "1 and 1 with a flaw: place against place"),
        (method.map_weight, "1 with a flaw: places against good ones of other images"),
    )
    y = 14
    for weight, text in meetings:
        if weight:
            y = write_lines(tile, 16, y, wrap(text, 15, TILE_PX - 32), 15) + 9
    return Panel(tile, "What is held against what", "in one step of training, for every image of the batch")


def _patches(drawn: Drawn, recipe: Recipe) -> Iterator[Panel]:
    method = recipe.method
    if not method.local_weight:
        yield from _unused(2, "Patches", "local_weight is 0: this recipe compares no patches")
        return
    grid, combined = method.grid, method.combined_patches
    tile = as_tile(drawn.views[0])
    for line in range(1, grid):
        at = line * TILE_PX // grid
        for width, colour in ((5, PAPER), (1, VIEW_COLOURS[0])):
            ImageDraw.Draw(tile).line((at, 0, at, TILE_PX), fill=colour, width=width)
            ImageDraw.Draw(tile).line((0, at, TILE_PX, at), fill=colour, width=width)
    for cell in range(grid**2):
        number(
            tile, (cell % grid * TILE_PX / grid + 8, cell // grid * TILE_PX / grid + 8), str(cell + 1), VIEW_COLOURS[0]
        )
    yield Panel(
        frame(tile, VIEW_COLOURS[0], 1), f"View 1 in {grid} x {grid} patches", "The encoder sees each patch alone"
    )
    every = list(combinations(range(grid**2), combined))
    shown = every[:: ceil(len(every) / _MOST_COMBINATIONS)]
    part = "" if len(shown) == len(every) else f". {len(shown)} of {len(every)} are shown"
    averaged = "each patch" if combined == 1 else f"the average of {combined} patches"
    yield Panel(
        _combination_sheet(drawn.views[0], shown, grid),
        "Patches averaged",
        f"View 2 as a whole must find {averaged}, among those of all images{part}",
    )


def _combination_sheet(view: np.ndarray, shown: list[tuple[int, ...]], grid: int) -> Image.Image:
    """Small copies of `view`, each with the patches of one combination in full and the others faded."""
    full, cells = as_tile(view), np.arange(grid**2)
    copies = [tint(full, ~np.isin(cells, members).reshape(grid, grid), PAPER, 0.84) for members in shown]
    return _sheet(copies, 2 if len(shown) <= 4 else 3 if len(shown) <= 9 else 4)


def _sheet(pictures: list[Image.Image], columns: int) -> Image.Image:
    """Several pictures on one tile, small, row by row."""
    sheet, gap = blank_tile(), 8
    side = (TILE_PX - (columns - 1) * gap) // columns
    for place, picture in enumerate(pictures):
        small = frame(picture.resize((side, side)), RULE, 1)
        sheet.paste(small, (place % columns * (side + gap), place // columns * (side + gap)))
    return sheet


def _matches(drawn: Drawn, recipe: Recipe) -> Iterator[Panel]:
    if not recipe.method.dense_weight:
        yield from _unused(2, "Matched places", "dense_weight is 0: this recipe compares no places")
        return
    count = len(drawn.places)
    if not count:
        yield from _unused(
            2, "Matched places", f"views 1 and {len(drawn.views)} show no common place: nothing to compare here"
        )
        return
    half = recipe.encoder.taps[0] / recipe.views.view_px
    first = tint(as_tile(drawn.views[0]), ~drawn.shared, PAPER, 0.6)
    last = tint(as_tile(drawn.views[-1]), ~drawn.shared_last, PAPER, 0.6)
    # How a cell of the first view lies in the last: larger or smaller, perhaps mirrored.
    into = np.linalg.inv(drawn.placements[-1][:, :2]) @ drawn.placements[0][:, :2]
    for index, (place, match) in enumerate(zip(drawn.places, drawn.matches, strict=True)):
        colour = MATCH_COLOURS[index]
        for tile, spot, shape in ((first, place, np.eye(2)), (last, match, into)):
            corners = spot + half * _CORNERS @ shape.T
            outline(tile, corners, colour)
            number(tile, tuple(to_pixels(corners.max(0)) + 2), str(index + 1), colour)
    yield Panel(frame(first, VIEW_COLOURS[0]), "Places of view 1", "Same number, same place on the part")
    yield Panel(
        frame(last, VIEW_COLOURS[len(drawn.views) - 1]),
        f"The same in view {len(drawn.views)}",
        "They must look alike; all others must not. Pale: not shared",
    )


def _flaws(drawn: Drawn, recipe: Recipe) -> Iterator[Panel]:
    if not (recipe.method.flaw_weight or recipe.method.map_weight):
        yield from _unused(2, "Synthetic flaw", "flaw_weight and map_weight are 0: this recipe learns from no flaws")
        return
    tile = encircle(as_tile(drawn.flawed), drawn.changed, FLAW) if drawn.changed.any() else as_tile(drawn.flawed)
    seen = "inside the red line" if drawn.changed.any() else "too faint to be seen"
    yield Panel(frame(tile, VIEW_COLOURS[0]), "View 1 with a synthetic flaw", f"The flaw is {seen}")
    cells = tint(tint(as_tile(drawn.flawed), drawn.flaw_cells, FLAW, 0.6), drawn.near_flaw, KEPT, 0.6)
    yield Panel(
        frame(cells, RULE, 1),
        "What the flaw changes",
        "Red: must look unlike every good place. Grey: either. Rest: as before",
    )


def _unused(count: int, title: str, sentence: str) -> Iterator[Panel]:
    for place in range(count):
        tile = frame(blank_tile(), RULE, 1)
        if place == 0:
            write_lines(tile, 24, TILE_PX // 2 - 30, wrap(sentence, 16, TILE_PX - 48), 16, FAINT)
        yield Panel(tile, title if place == 0 else "", "")
