"""Few-shot names of defects: which of several names a part's most unusual region looks like.

Of each image the embedding of that region is taken. A name's examples have a mean; seen from the middle of all names'
means, a part lies in the direction of one of them, of several, or of none (nearest class mean, as in Snell, Swersky and
Zemel 2017, "Prototypical networks for few-shot learning", by the cosine of centred embeddings).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inspection.inspector import Inspector
from inspection.verdict import Inspection

LEAST_EXAMPLES = 3
_PEAK = 0.85
"""Of the peak: cells of the defect itself, less of what surrounds it."""
# How much a part must look like a name, and how much more than like another.
_LEAST_SIMILARITY, _LEAD = 0.3, 0.2
# A name alone has none to be told from: how much farther than its farthest example from their mean a part may lie.
_REACH = 1.25


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name, and how much the part looks like its examples: 1 for the same direction, 0 for no likeness."""

    name: str
    similarity: float


def suggest_name(own: np.ndarray, examples: Mapping[str, Sequence[np.ndarray]]) -> Suggestion | None:
    """The name whose examples, float32 [D] each, `own` [D] looks like; None where it looks like none, or like two.

    Names of fewer than LEAST_EXAMPLES are left out.
    """
    means = {name: np.mean(seen, axis=0) for name, seen in examples.items() if len(seen) >= LEAST_EXAMPLES}
    if len(means) < 2:
        return _only_name(own, {name: examples[name] for name in means})
    middle = np.mean(list(means.values()), axis=0)
    found = sorted(((_cosine(own - middle, mean - middle), name) for name, mean in means.items()), reverse=True)
    (similarity, name), (next_best, _) = found[:2]
    if similarity < _LEAST_SIMILARITY or similarity - next_best < _LEAD:
        return None
    return Suggestion(name, similarity)


def describe(inspector: Inspector, data: bytes) -> np.ndarray | None:
    """`embed_region` of an encoded image as the inspector sees it; None where that cannot judge it.

    Raises BundleError.
    """
    prepared = inspector.prepare(data)
    if isinstance(prepared, Inspection):
        return None
    outputs = inspector.session.run(prepared.inputs)
    return embed_region(outputs["anomaly_map"], outputs["patch_embeddings"])


def embed_region(anomaly_map: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    """float32 [T, h, w] and [T, rows, columns, D] of an image's tiles to [D]: the cells of the most unusual region,
    against the tile's median, so that lot and light matter less."""
    tile = int(anomaly_map.reshape(len(anomaly_map), -1).max(axis=1).argmax())
    grid, marks = embeddings[tile], anomaly_map[tile]
    rows = np.linspace(0, marks.shape[0] - 1, grid.shape[0]).round().astype(int)
    columns = np.linspace(0, marks.shape[1] - 1, grid.shape[1]).round().astype(int)
    at_cells = marks[np.ix_(rows, columns)]
    peak = at_cells.max()
    region = grid[at_cells >= _PEAK * peak if peak > 0 else at_cells == peak].mean(axis=0)
    against: np.ndarray = region - np.median(grid.reshape(-1, grid.shape[-1]), axis=0)
    return against.astype(np.float32)


def _only_name(own: np.ndarray, examples: Mapping[str, Sequence[np.ndarray]]) -> Suggestion | None:
    for name, seen in examples.items():
        mean = np.mean(seen, axis=0)
        reach = _REACH * max(float(np.linalg.norm(one - mean)) for one in seen)
        distance = float(np.linalg.norm(own - mean))
        if distance <= reach:
            return Suggestion(name, 1 - distance / reach if reach else 1.0)
    return None


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else 0.0
