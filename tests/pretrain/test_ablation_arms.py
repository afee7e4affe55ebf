"""The arms of the ablation: what they differ in, what they forward, and what they may spend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inspection.config import validate
from inspection.errors import ConfigError
from inspection.images.preprocess import Preprocessing
from pretrain.ablation.arms import ARMS
from pretrain.ablation.forwards import forwards_per_image
from pretrain.ablation.plan import draw_plan
from pretrain.ablation.scale import Scale, load_scale
from pretrain.evaluate.labeled_images import find_labeled_files, load_labeled_images
from pretrain.recipe import Recipe, load_recipe
from tests.pretrain.labeled import write_pack
from tests.pretrain.tiny_scale import tiny_scale


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values by dotted key."""
    keys: dict[str, Any] = {}
    for name, value in values.items():
        keys |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return keys


def differences(first: Recipe, second: Recipe) -> dict[str, tuple[Any, Any]]:
    before, after = flat(first.model_dump()), flat(second.model_dump())
    assert before.keys() == after.keys()
    return {key: (before[key], after[key]) for key in before if before[key] != after[key] and key != "name"}


@pytest.mark.parametrize("scale", ["cpu", "full"])
def test_each_arm_adds_what_it_says_and_nothing_else(scale: str) -> None:
    whole = load_scale(scale).recipe
    a, b, c, d = (arm.recipe(whole, 5, 7) for arm in ARMS)
    assert differences(a, b) == {
        "method.networks": (2, 3),
        "method.local_weight": (0.0, 1.0),
        # Without patches there is nothing to isolate.
        "method.isolate_patch_statistics": (True, False),
    }
    assert differences(b, c) == {"method.isolate_patch_statistics": (False, True)}
    assert differences(c, d) == {"method.dense_weight": (0.0, 1.0)}
    changed = {"seed": (0, 5), "optimisation.steps": (whole.optimisation.steps, 7)}
    assert {key: value for key, value in differences(whole, d).items() if value[0] != value[1]} == changed
    assert a.method.global_weight == d.method.global_weight > 0
    assert b.method.local_gradient


@pytest.mark.parametrize("scale", ["cpu", "full"])
def test_image_forwards_are_those_of_the_papers_figure(scale: str) -> None:
    """Whole views 1 and 3 online and in the momentum network; with the local term view 2, and views 1 and 2 cut up."""
    whole = load_scale(scale).recipe
    counted = [forwards_per_image(arm.recipe(whole, 0, 1)) for arm in ARMS[:2]]
    assert [one.total for one in counted] == [2 + 2, 3 + 2 + 2]
    assert [one.with_gradient for one in counted] == [2, 3]


def test_a_flawed_copy_and_small_views_would_be_counted() -> None:
    whole = load_scale("cpu").recipe.model_dump()
    whole["method"] |= {"flaw_weight": 1.0, "small_weight": 1.0}
    whole["views"] |= {"small_count": 4, "small_px": 16}
    counted = forwards_per_image(Recipe.model_validate(whole))
    assert counted.total == 7 + 1 + 4 / 4
    assert counted.with_gradient == 3 + 1 + 4 / 4


def test_every_arm_may_spend_the_same_image_forwards(tmp_path: Path) -> None:
    scale = tiny_scale(steps=101)
    files = find_labeled_files(write_pack(tmp_path / "pack.npz"), 0)
    plan = draw_plan(scale, 3, load_labeled_images(files, Preprocessing(input_px=32)))
    steps = {letter: arm.steps for letter, arm in plan.arms.items()}
    assert steps == {"a": 177, "b": 101, "c": 101, "d": 101}
    spent = [arm.steps * arm.forwards_per_image for arm in plan.arms.values()]
    assert max(spent) - min(spent) <= max(arm.forwards_per_image for arm in plan.arms.values()) / 2


def test_full_scale_is_the_papers_recipe_with_our_term() -> None:
    full = load_scale("full").recipe
    assert not full.hold_out
    assert differences(load_recipe("paper").model_copy(update={"hold_out": False}), full) == {
        "method.dense_weight": (0.0, 1.0),
        "optimisation.precision": ("float32", "bfloat16"),
    }


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ({"dense_weight": 0.0}, "recipe.method.dense_weight is off, but the last arm has every part"),
        ({"local_gradient": False}, "recipe.method.local_gradient is off"),
        ({"flaw_weight": 1.0}, "recipe.method.flaw_weight is on, but belongs to no arm"),
        ({"map_weight": 1.0}, "recipe.method.map_weight is on, but belongs to no arm"),
    ],
)
def test_a_scale_that_tells_no_arms_apart_is_refused(method: dict[str, Any], message: str) -> None:
    values = tiny_scale().model_dump()
    values["recipe"]["method"] |= method
    with pytest.raises(ConfigError, match=message):
        validate(values, Scale, source="scale.toml")
