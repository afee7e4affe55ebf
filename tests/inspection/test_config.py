"""A settings file with a fault is refused in one line that names the file, the dotted key and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from inspection.config import Settings, read_toml, validate
from inspection.errors import ConfigError


class Optimiser(Settings):
    rate: float = 0.1
    steps: int


class Recipe(Settings):
    name: str
    optimiser: Optimiser


WHOLE = 'name = "small"\n[optimiser]\nrate = 0.2\nsteps = 3\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(WHOLE)
    return path


def test_a_whole_file_is_read(recipe: Path) -> None:
    assert read_toml(recipe, Recipe) == Recipe(name="small", optimiser=Optimiser(rate=0.2, steps=3))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("steps = 3", "steps = 3\nmomentun = 1", "unknown key optimiser.momentun: remove the key or correct its spell"),
        ("name =", "title =", "key name is missing: add the key (1 more like it)"),
        ("steps = 3", "", "key optimiser.steps is missing: add the key"),
        ("steps = 3", 'steps = "many"', "optimiser.steps = 'many': Input should be a valid integer"),
        ("rate = 0.2", "rate = nan", "optimiser.rate = nan: Input should be a finite number"),
        ("rate = 0.2", "rate = inf", "optimiser.rate = inf: Input should be a finite number"),
        ("rate = 0.2", "rate = ", "mend the file's TOML"),
        ("rate = 0.2", "rate = 0.2\nrate = 0.3", "mend the file's TOML"),
    ],
)
def test_faults_are_told(recipe: Path, before: str, after: str, told: str) -> None:
    recipe.write_text(WHOLE.replace(before, after))
    with pytest.raises(ConfigError) as caught:
        read_toml(recipe, Recipe)
    line = str(caught.value)
    assert line.startswith(f"{recipe}: ")
    assert told in line
    assert "\n" not in line


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: no such file: give the path of a TOML file"):
        read_toml(tmp_path / "gone.toml", Recipe)
    with pytest.raises(ConfigError, match="Is a directory"):
        read_toml(tmp_path, Recipe)
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    with pytest.raises(ConfigError, match=r"latin\.toml: .*mend the file's TOML"):
        read_toml(tmp_path / "latin.toml", Recipe)


def test_validate_names_its_source() -> None:
    with pytest.raises(ConfigError, match=r"station 4: unknown key optimiser\.x: remove the key"):
        validate({"name": "a", "optimiser": {"steps": 1, "x": 2}}, Recipe, source="station 4")
    with pytest.raises(ConfigError, match=r"station 4: \(whole file\) = 3"):
        validate(3, Recipe, source="station 4")


def test_settings_do_not_change_after_reading(recipe: Path) -> None:
    settings = read_toml(recipe, Recipe)
    with pytest.raises(ValidationError):
        settings.__setattr__("name", "other")
