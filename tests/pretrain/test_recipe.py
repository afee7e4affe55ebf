"""Recipes: the shipped ones load, and every fault is told by its dotted name."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.errors import ConfigError
from pretrain.recipe import load_recipe, shipped_recipes
from tests.pretrain.tiny import RECIPE_TOML


def recipe_file(folder: Path, *changes: tuple[str, str], more: str = "") -> str:
    """The tiny recipe with text replaced, as a file."""
    text = RECIPE_TOML
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = folder / "recipe.toml"
    path.write_text(text + more, encoding="utf-8")
    return str(path)


def fault(source: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_recipe(source)
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_loads(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert len(recipe.sha256()) == 64


def test_the_recipes_that_the_documentation_names_are_shipped() -> None:
    assert {"demo", "line", "paper", "released"} <= set(shipped_recipes())


def test_an_unknown_recipe_is_told_with_those_there_are() -> None:
    message = fault("domo")
    assert "domo: no such recipe: give one of " in message
    assert "demo, line" in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "none.toml: no such file" in fault(str(tmp_path / "none.toml"))


def test_what_is_no_toml_is_named(tmp_path: Path) -> None:
    assert "recipe.toml: " in fault(recipe_file(tmp_path, ('name = "tiny"', "name = tiny")))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("queue_length = 32", "queue_lenght = 32", "unknown key method.queue_lenght"),
        ("view_px = 64", "veiw_px = 64", "unknown key views.veiw_px"),
        ("[optimisation]", "[optimization]", "unknown key optimization"),
        ('name = "tiny"', "", "key name is missing"),
        ("input_px = 64", "input_px = 65", "preprocessing.input_px = 65: "),
        ("view_px = 64", "view_px = 48", "views.view_px = 48: "),
        ("batch_size = 8", "batch_size = 1", "optimisation.batch_size = 1: "),
        ("batch_size = 8", "learning_rate = nan", "optimisation.learning_rate = nan: "),
        ("queue_length = 32", "temperature = 0", "method.temperature = 0: "),
        ("queue_length = 32", "ema_momentum = 1.0", "method.ema_momentum = 1.0: "),
        ("queue_length = 32", "local_weight = -1", "method.local_weight = -1: "),
        ("queue_length = 32", "grid = 1", "method.grid = 1: "),
        ("queue_length = 32", "networks = 4", "method.networks = 4: Input should be 1, 2 or 3"),
        ("queue_length = 32", "local_temperature = 3", "method.local_temperature = 3: "),
        ("view_px = 64", "count = 4", "views.count = 4: Input should be 2 or 3"),
        ("view_px = 64", "small_area = [0, 0.2]", "views.small_area.0 = 0: "),
        ("pooled_tap = 16", 'stem = "none"', "encoder.stem = 'none': Input should be 'imagenet' or 'cifar'"),
        ("taps = [8, 16]", "taps = [16, 8]", "taps must be strides in rising order, each once"),
        ("taps = [8, 16]", "taps = [8, 8]", "taps must be strides in rising order, each once"),
        ("taps = [8, 16]", "taps = []", "taps must be strides in rising order, each once"),
        ('precision = "float32"', 'precision = "float16"', "optimisation.precision = 'float16': "),
        ('precision = "float32"', 'optimiser = "lars"', "optimisation.optimiser = 'lars': "),
    ],
)
def test_a_fault_is_told_by_its_dotted_name(old: str, new: str, expected: str, tmp_path: Path) -> None:
    message = fault(recipe_file(tmp_path, (old, new)))
    assert "recipe.toml" in message
    assert expected in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("queue_length = 32", "combined_patches = 5", "combined_patches is 5, but a grid of 2 has 4 patches"),
        (
            "queue_length = 32",
            "grid = 4\ncombined_patches = 3",
            "combined_patches 3 of 16 make 560 combinations, more than 128: combine fewer or more of them, or choose",
        ),
        (
            "queue_length = 32",
            "networks = 2",
            "local_weight is 1, but the local network is the third and networks is 2: set local_weight to 0 or",
        ),
        (
            "dense_weight = 1.0\nflaw_weight = 1.0",
            "global_weight = 0\nlocal_weight = 0\npreserve_weight = 1",
            "every weight is 0: nothing would be learnt",
        ),
        (
            "dense_weight = 1.0\nflaw_weight = 1.0",
            "global_weight = 0\nlocal_gradient = false",
            "local_gradient is false and every other weight is 0: nothing would be learnt",
        ),
        ("batch_size = 8", "batch_size = 64", "method.queue_length 32 is shorter than optimisation.batch_size 64"),
        (
            "view_px = 64",
            "view_px = 64\nsmall_area = [0.3, 0.2]",
            "small_area must be the smallest part, then the larg",
        ),
        (
            "pooled_tap = 16",
            "pooled_tap = 64",
            "views.view_px 64 in a grid of 2 gives patches of 32 px, smaller than encoder.pooled_tap 64",
        ),
    ],
)
def test_values_that_do_not_go_together_are_told(old: str, new: str, expected: str, tmp_path: Path) -> None:
    message = fault(recipe_file(tmp_path, (old, new)))
    assert expected in message
    # What does not go together is told, not the whole section that it stands in.
    assert "{" not in message


def test_small_views_must_fill_a_cell(tmp_path: Path) -> None:
    changes = [("view_px = 64", "view_px = 64\nsmall_px = 16"), ("pooled_tap = 16", "pooled_tap = 32")]
    assert load_recipe(recipe_file(tmp_path, *changes)).method.small_weight == 0
    asked = [*changes, ("queue_length = 32", "small_weight = 1")]
    expected = "views.small_px 16 is smaller than encoder.pooled_tap 32"
    assert expected in fault(recipe_file(tmp_path, *asked))


@pytest.mark.parametrize(
    "new",
    [
        # A grid of 4 cuts patches of 16 px: just large enough for a tap of stride 16.
        "grid = 4",
        # Fifteen of sixteen leave out one at a time.
        "grid = 4\ncombined_patches = 15",
        # Without patches it does not matter how many ways there would be to combine them.
        "grid = 4\ncombined_patches = 8\nlocal_weight = 0",
        "networks = 1\nlocal_weight = 0",
    ],
)
def test_values_that_go_together_are_taken(new: str, tmp_path: Path) -> None:
    assert load_recipe(recipe_file(tmp_path, ("queue_length = 32", new))).name == "tiny"


def test_without_neighbours_no_queue_needs_to_hold_a_batch(tmp_path: Path) -> None:
    changes = [("queue_length = 32", "neighbours = false\nqueue_length = 16"), ("batch_size = 8", "batch_size = 64")]
    assert not load_recipe(recipe_file(tmp_path, *changes)).method.neighbours


def test_small_patches_are_allowed_where_no_patch_is_cut(tmp_path: Path) -> None:
    changes = [("pooled_tap = 16", "pooled_tap = 64"), ("queue_length = 32", "local_weight = 0")]
    assert load_recipe(recipe_file(tmp_path, *changes)).method.local_weight == 0


def test_the_digest_follows_from_the_values_not_from_the_text(tmp_path: Path) -> None:
    plain = load_recipe(recipe_file(tmp_path))
    assert load_recipe(recipe_file(tmp_path, more="# a remark\n")).sha256() == plain.sha256()
    # A default written out is the same value.
    same = load_recipe(recipe_file(tmp_path, ("queue_length = 32", "grid = 2\nqueue_length = 32")))
    assert same.sha256() == plain.sha256()
    digests = {
        load_recipe(recipe_file(tmp_path, change)).sha256()
        for change in (
            ("steps = 6", "steps = 7"),
            ("queue_length = 32", "queue_length = 33"),
            ("view_px = 64", "view_px = 96"),
            ('name = "tiny"', 'name = "other"'),
            ("input_px = 64", "input_px = 96"),
            ("taps = [8, 16]", "taps = [8]"),
            ("choose_illumination = false", "choose_illumination = true"),
        )
    }
    assert len(digests | {plain.sha256()}) == 8
