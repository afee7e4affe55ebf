"""The student's recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.build import BuildRequest, build
from distill.recipe import SHIPPED, load_recipe
from inspection.bundle.reader import open_bundle
from inspection.errors import ConfigError
from tests.distill.conftest import Built
from tests.distill.small import DISTILL_RECIPE, DISTILL_TOML


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_loads(path: Path) -> None:
    recipe = load_recipe(path.stem)
    assert recipe.name == path.stem
    assert len(recipe.sha256()) == 64


def test_an_own_recipe_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(DISTILL_TOML, encoding="utf-8")
    recipe = load_recipe(str(tmp_path / "own.toml"))
    assert recipe == DISTILL_RECIPE
    assert recipe.sha256() == DISTILL_RECIPE.sha256()
    assert recipe.model_copy(update={"seed": 1}).sha256() != recipe.sha256()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size = 64", "sise = 64", "unknown key bank.sise"),
        ("[8, 8, 12, 12, 16]", "[8, 8, 12, 12]", "key student.widths.4 is missing"),
        ("steps = 12", "steps = 0", "learning.steps = 0: "),
        ("[bank]", "[calibration]\nflagged_rate = 1.5\n[bank]", "calibration.flagged_rate = 1.5: "),
        ("[bank]", "[quality_limits]\nmin_maen = 3\n[bank]", "unknown key quality_limits.min_maen"),
    ],
)
def test_a_fault_is_told_by_its_dotted_name(old: str, new: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(DISTILL_TOML.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_recipe(str(tmp_path / "own.toml"))
    assert message in str(raised.value)
    assert "own.toml" in str(raised.value)


def test_an_unknown_recipe_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="smal: no such recipe: give one of base, nano, small"):
        load_recipe("smal")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_builds(path: Path, built: Built, tmp_path: Path) -> None:
    shipped = load_recipe(path.stem)
    recipe = shipped.model_copy(update={"learning": shipped.learning.model_copy(update={"steps": 1})})
    build(BuildRequest(recipe, built.teacher, built.images, tmp_path / "bundle"))
    assert open_bundle(tmp_path / "bundle", threads=1).manifest.provenance.recipe == f"tiny + {path.stem}"


def test_a_suspected_share_from_the_command_line_takes_the_recipes_place() -> None:
    recipe = load_recipe("base")
    assert recipe.suspecting(None) == recipe
    assert recipe.suspecting(0.1).bank.suspected_share == 0.1
    assert recipe.suspecting(0.1).sha256() != recipe.sha256()
