"""Scoring of images in tiles: tiles of several images in batches that memory holds, then one answer for each image."""

from collections.abc import Sequence

import numpy as np

from inspection.images.tiles import TileLayout, stitch_all
from inspection.scoring.session import Scores, StudentSession

TILES_AT_ONCE = 16
"""Bounds the memory of a strip's scoring, whatever its length: more at once is no faster."""


def score_tiled(session: StudentSession, tiles: Sequence[np.ndarray], layouts: Sequence[TileLayout]) -> Scores:
    """Scores of images given as tiles, uint8 [T, S, S, 3] each. Raises BundleError where the graph fails."""
    every = np.concatenate(tiles) if len(tiles) > 1 else tiles[0]
    parts = [session.score(every[start : start + TILES_AT_ONCE]) for start in range(0, len(every), TILES_AT_ONCE)]
    joined = Scores(*(np.concatenate([getattr(part, name) for part in parts]) for name in Scores.__slots__))
    return gather_tiles(joined, layouts)


def gather_tiles(scores: Scores, layouts: Sequence[TileLayout]) -> Scores:
    """One answer for each image from those of all its tiles, which follow each other.

    The map is stitched and its peak is the local score. The global score is that of the most unusual tile: a tile is a
    view as training knew it, and one end of a strip in the wrong light shall not drown among the others. Maps of images
    that differ in size come as an array of arrays.
    """
    maps = stitch_all(scores.anomaly_map, layouts)
    first_tiles = np.cumsum([0, *(len(layout) for layout in layouts[:-1])])
    return Scores(
        _stack(maps),
        np.array([one.max() for one in maps], np.float32),
        np.maximum.reduceat(scores.global_score, first_tiles),
    )


def _stack(maps: list[np.ndarray]) -> np.ndarray:
    if len({one.shape for one in maps}) == 1:
        return np.stack(maps)
    kept = np.empty(len(maps), object)
    for place, one in enumerate(maps):
        kept[place] = one
    return kept
