"""The candidates of a search: the recipe itself, and changes that go together with the rest of it."""

from __future__ import annotations

import pytest

from pretrain.explore.candidates import ITSELF, Candidate, candidates_for, joined
from pretrain.recipe import load_recipe, shipped_recipes
from tests.pretrain.tiny import tiny_recipe


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_has_candidates_that_differ_from_it_and_from_each_other(name: str) -> None:
    start = load_recipe(name)
    candidates = candidates_for(start)
    recipes = [candidate.recipe(start) for candidate in candidates]
    assert candidates[0] == Candidate(ITSELF, {})
    assert recipes[0] == start
    assert len(candidates) > 8
    assert len({recipe.sha256() for recipe in recipes}) == len(recipes)
    assert len({candidate.name for candidate in candidates}) == len(candidates)


def test_patch_division_is_searched() -> None:
    start = load_recipe("line")
    divisions = {
        (recipe.method.grid, recipe.method.combined_patches)
        for recipe in (candidate.recipe(start) for candidate in candidates_for(start))
        if recipe.method.local_weight
    }
    assert {(2, 1), (2, 2), (2, 3), (3, 2), (4, 2)} <= divisions


def test_a_change_that_does_not_fit_is_named_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    start = tiny_recipe(encoder={"pooled_tap": 32})
    names = [candidate.name for candidate in candidates_for(start)]
    assert "patches 2 x 2, threes" in names
    assert "patches 4 x 4, pairs" not in names
    assert "not tried: patches 4 x 4, pairs: " in " ".join(capsys.readouterr().err.split())


def test_a_recipe_without_patches_tries_them_too() -> None:
    start = tiny_recipe(networks=2, local_weight=0.0)
    assert any(candidate.recipe(start).method.local_weight for candidate in candidates_for(start))


def test_two_changes_join_where_they_touch_different_values() -> None:
    start = tiny_recipe()
    grid = Candidate("grid", {"method.grid": 3})
    views = Candidate("views", {"views.min_area": 0.1})
    both = joined([grid, views], start)
    assert both == Candidate("grid + views", {"method.grid": 3, "views.min_area": 0.1})
    assert both.recipe(start).method.grid == 3
    assert both.recipe(start).views.min_area == 0.1


@pytest.mark.parametrize(
    "best",
    [
        [],
        [Candidate("grid", {"method.grid": 3})],
        [Candidate("grid", {"method.grid": 3}), Candidate("grid again", {"method.grid": 4})],
        [Candidate(ITSELF, {}), Candidate("grid", {"method.grid": 3})],
        [Candidate("no patches", {"method.local_weight": 0.0}), Candidate("no views", {"method.global_weight": 0.0})],
    ],
)
def test_changes_that_exclude_each_other_do_not_join(best: list[Candidate]) -> None:
    start = tiny_recipe(dense_weight=0.0, flaw_weight=0.0)
    assert joined(best, start) is None
