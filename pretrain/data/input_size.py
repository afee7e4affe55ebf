"""The input's size from the images' own: small defects need the pixels the camera gave, and no more than those."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from inspection.images.folders import Picture
from inspection.images.header import read_size
from inspection.terminal import say
from pretrain.recipe import Recipe

_LOOKED_AT = 64
_STEP_PX = 64
_VIEW_STEP_PX = 32
"""A grid of three has patches of a size of its own anyway; of two, these stay whole multiples of 16."""


def fit_input(recipe: Recipe, pictures: Sequence[Picture]) -> Recipe:
    """`recipe` with the input its images ask for, where it leaves that open (`largest_input_px`).

    The side is the median of the images' shorter sides, in steps of 64, from preprocessing.input_px to the largest that
    the recipe allows. Views grow alike, so that places are still looked at in the size in which they are scored.
    """
    preprocessing, views = recipe.preprocessing, recipe.views
    if recipe.largest_input_px is None or preprocessing.tiles is not None:
        return recipe
    least = preprocessing.input_px
    shorter = _shorter_sides(pictures[:: max(len(pictures) // _LOOKED_AT, 1)])
    own = int(statistics.median(shorter)) // _STEP_PX * _STEP_PX if shorter else least
    side = min(max(own, least), recipe.largest_input_px)
    view = round(views.view_px * side / least / _VIEW_STEP_PX) * _VIEW_STEP_PX
    if side != least:
        say(f"input: {side} px, for images whose shorter side is {statistics.median(shorter):g} px")
    return recipe.model_copy(
        update={
            "largest_input_px": None,
            "preprocessing": preprocessing.model_copy(update={"input_px": side}),
            "views": views.model_copy(update={"view_px": view}) if side != least else views,
        }
    )


def _shorter_sides(pictures: Sequence[Picture]) -> list[int]:
    # What cannot be read is told, picture by picture, where all of them are.
    sizes = (read_size(_bytes_of(picture.path)) for picture in pictures)
    return [min(size) for size in sizes if size is not None]


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
