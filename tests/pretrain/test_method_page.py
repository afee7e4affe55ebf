"""docs/method.md names every value of a recipe with the default it has, every recipe there is, and no other."""

from __future__ import annotations

import re
from enum import Enum
from xml.etree import ElementTree

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from pretrain.recipe import Recipe, shipped_recipes
from tests.architecture.sources import ROOT

PAGE = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")


def values_of(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """Dotted names of all values below `model`, with their defaults as the page writes them."""
    values: dict[str, str] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            values |= values_of(type(field.default), f"{name}.")
        else:
            values[prefix + name] = as_written(field.default)
    return values


def as_written(default: object) -> str:
    if default is PydanticUndefined:
        return ""
    if isinstance(default, tuple):
        return ", ".join(as_written(part) for part in default)
    if isinstance(default, Enum):
        return str(default.value)
    if isinstance(default, float):
        return f"{default:.6f}".rstrip("0").rstrip(".")
    return str(default).lower()


def test_every_value_stands_on_the_page_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| ([^|]*?) ?\| \S", PAGE.partition("## Every value")[2], re.MULTILINE)
    assert [name for name, _ in rows] == [*dict(rows)]
    written = dict(rows) | {"method.local_temperature": "none"}
    # Preprocessing is shared with the station, and explained with it.
    assert {n: value for n, value in written.items() if not n.startswith("preprocessing.")} == {
        n: value for n, value in values_of(Recipe).items() if not n.startswith("preprocessing.")
    }


def test_every_recipe_stands_on_the_page() -> None:
    table = PAGE.partition("## Recipes")[2].partition("\n\nA recipe is")[0]
    assert sorted(re.findall(r"`([a-z-]+)`", table.replace("`--init`", ""))) == shipped_recipes()


def test_the_figure_is_there_and_is_a_picture() -> None:
    (named,) = re.findall(r"!\[[^]]+\]\((figures/[a-z]+\.svg)\)", PAGE)
    tree = ElementTree.parse(ROOT / "docs" / named).getroot()
    assert tree.tag.endswith("svg")
    shown = " ".join(tree.itertext())
    for part in (
        "online network",
        "momentum network",
        "local network",
        "L global",
        "L local",
        "L dense",
        "L flaw",
        "L map",
    ):
        assert part in shown
