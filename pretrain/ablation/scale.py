"""The scale of an ablation: its data, its recipe and its seeds, in one TOML file."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from inspection.config import Settings, read_shipped_toml
from pretrain.recipe import Recipe

SHIPPED = Path(__file__).parent / "scales"


class Scale(Settings):
    """`recipe` is that of the last arm, with everything in it; the others take away from it."""

    classes: tuple[str, ...] = ()
    """Of the data, by name; all where none is named."""
    train_images_per_class: Annotated[int, Field(ge=1)] | None = None
    """The first so many of each class; all where not given."""
    seeds: Annotated[int, Field(ge=1, le=100)] = 3
    recipe: Recipe
    """Its steps are those of the arm that forwards most; the others get more, up to the same image-forwards."""

    @model_validator(mode="after")
    def _has_all_parts(self) -> Self:
        method = self.recipe.method
        present = {
            "global_weight": method.global_weight,
            "local_weight": method.local_weight,
            "dense_weight": method.dense_weight,
            "local_gradient": method.local_gradient,
            "isolate_patch_statistics": method.isolate_patch_statistics,
            "neighbours": method.neighbours,
        }
        if absent := [name for name, value in present.items() if not value]:
            raise ValueError(f"recipe.method.{absent[0]} is off, but the last arm has every part")
        strangers = ("flaw_weight", "map_weight", "preserve_weight", "small_weight")
        if added := [name for name in strangers if getattr(method, name)]:
            raise ValueError(f"recipe.method.{added[0]} is on, but belongs to no arm")
        return self


def load_scale(name_or_path: str) -> Scale:
    """A shipped scale by name, or any by path. Raises ConfigError."""
    return read_shipped_toml(name_or_path, SHIPPED, Scale, kind="scale")
