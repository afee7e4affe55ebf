"""The candidates: the recipe itself, and the recipe with one choice changed. Patch division comes first.

A site's images differ, and with them what helps: the list is short on purpose, every line a choice that has a reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inspection.config import validate
from inspection.errors import ConfigError
from inspection.terminal import say
from pretrain.recipe import Recipe

Change = dict[str, int | float]
"""New values by dotted key of the recipe."""
ITSELF = "the recipe itself"


@dataclass(frozen=True)
class Candidate:
    """A recipe to try, by a name that says what is changed."""

    name: str
    change: Change

    def recipe(self, start: Recipe) -> Recipe:
        """`start` with the change. Raises ConfigError where the values do not go together."""
        values = start.model_dump()
        for key, value in self.change.items():
            *sections, last = key.split(".")
            section = values
            for name in sections:
                section = section[name]
            section[last] = value
        return validate(values, Recipe, source=self.name)


def candidates_for(start: Recipe) -> list[Candidate]:
    """The recipe itself first, then every change that differs from it and goes together with the rest of it."""
    chosen = [Candidate(ITSELF, {})]
    for name, change in _changes(start).items():
        candidate = Candidate(name, change)
        try:
            is_new = candidate.recipe(start) not in [other.recipe(start) for other in chosen]
        except ConfigError as error:
            say(f"not tried: {error.problem}")
            continue
        if is_new:
            chosen.append(candidate)
    return chosen


def joined(best: Iterable[Candidate], start: Recipe) -> Candidate | None:
    """The first two changes in one, where they touch different values that go together; else None."""
    first, second = ([candidate for candidate in best if candidate.change] + [None, None])[:2]
    if first is None or second is None or first.change.keys() & second.change.keys():
        return None
    both = Candidate(f"{first.name} + {second.name}", {**first.change, **second.change})
    try:
        both.recipe(start)
    except ConfigError:
        return None
    return both


def _changes(start: Recipe) -> dict[str, Change]:
    return {**_patch_changes(start), **_view_changes(start), **_weight_changes(start)}


def _patch_changes(start: Recipe) -> dict[str, Change]:
    # A recipe without the local term has no weight to keep: patches then get the paper's part of the global term.
    weight = start.method.local_weight or (start.method.global_weight or 1.0) / 6

    def division(grid: int, combined: int, factor: float = 1.0) -> Change:
        return {
            "method.networks": 3,
            "method.local_weight": _times(weight, factor),
            "method.grid": grid,
            "method.combined_patches": combined,
        }

    return {
        "patches 3 x 3, pairs": division(3, 2),
        "patches 2 x 2, one by one": division(2, 1),
        "patches 2 x 2, threes": division(2, 3),
        "patches 4 x 4, pairs": division(4, 2),
        "patches 2 x 2, pairs": division(2, 2),
        "two networks, no patches": {"method.networks": 2, "method.local_weight": 0.0},
        "patches weigh three times": division(start.method.grid, start.method.combined_patches, 3.0),
    }


def _view_changes(start: Recipe) -> dict[str, Change]:
    views = start.views
    # A recipe that keeps views near one scale keeps them so.
    ranges = views.max_area < 1
    return {
        "small views": {"method.small_weight": start.method.global_weight or 0.5},
        "closer views": {
            "views.min_area": max(views.min_area * 0.4, 0.02),
            "views.max_area": max(views.max_area * 0.4, 0.05) if ranges else 1.0,
        },
        "wider views": {
            "views.min_area": min(views.min_area * 2.5, 1.0),
            "views.max_area": min(views.max_area * 2.5, 1.0),
        },
        "views of every scale": {"views.max_area": 1.0},
        "views of one scale": {"views.max_area": min(views.min_area * 1.75, 1.0)},
        "larger views": {"views.view_px": min(views.view_px * 3 // 64 * 32, start.preprocessing.input_px)},
        "another number of views": {"views.count": 5 - views.count},
    }


def _weight_changes(start: Recipe) -> dict[str, Change]:
    method = start.method
    return {
        "places weigh three times": {"method.dense_weight": _times(method.dense_weight or 1 / 3, 3.0)},
        "the map weighs three times": {"method.map_weight": _times(method.map_weight or 1 / 3, 3.0)},
        "no flaws": {"method.flaw_weight": 0.0, "method.map_weight": 0.0},
        "half the temperature": {
            "method.temperature": max(method.temperature / 2, 0.02),
            "method.dense_temperature": max(method.dense_temperature / 2, 0.02),
        },
        "holds on to its start three times": {"method.preserve_weight": _times(method.preserve_weight, 3.0)},
        "holds on to its start a third": {"method.preserve_weight": method.preserve_weight / 3},
    }


def _times(weight: float, factor: float) -> float:
    """Within what a recipe allows."""
    return min(weight * factor, 100.0)
