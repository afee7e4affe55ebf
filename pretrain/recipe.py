"""The recipe: every choice of a training run, in one TOML file."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from inspection.config import Settings, read_shipped_toml, shipped_names
from inspection.images.preprocess import Preprocessing

SHIPPED = Path(__file__).parent / "recipes"

Weight = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, Field(gt=0, le=2)]


class EncoderRecipe(Settings):
    """The backbone and where its feature maps are tapped."""

    backbone: str = "resnet18"
    """A timm name; it must offer feature maps."""
    taps: tuple[int, ...] = (8, 16)
    """Strides of the feature maps that make the patch embeddings, finest first."""
    pooled_tap: int = 32
    """Stride of the feature map that is averaged for the whole view."""
    freeze_batch_norm: bool = False
    """Keep the statistics of the start weights: steadier where there are few images."""

    @model_validator(mode="after")
    def _taps_are_ordered(self) -> Self:
        if not self.taps or list(self.taps) != sorted(set(self.taps)):
            raise ValueError("taps must be strides in rising order, each once")
        return self


class ViewsRecipe(Settings):
    """How views are drawn from an image."""

    view_px: Annotated[int, Field(ge=32, le=1024, multiple_of=32)] = 128
    min_area: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Smallest part of the image a view may show."""
    flip: bool = True
    brightness: Share = 0.4
    contrast: Share = 0.4
    saturation: Share = 0.4
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    jitter_rate: Share = 0.8
    grey_rate: Share = 0.2
    blur_rate: Share = 0.5


class MethodRecipe(Settings):
    """The networks and the terms of the loss, each with its weight; a weight of 0 leaves the term out."""

    projection_width: Annotated[int, Field(ge=16, le=8192)] = 2048
    prediction_hidden_width: Annotated[int, Field(ge=16, le=8192)] = 512
    ema_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    queue_length: Annotated[int, Field(ge=16, le=1_000_000)] = 16384
    temperature: Temperature = 0.2
    grid: Annotated[int, Field(ge=2, le=4)] = 2
    """A view is cut in grid x grid patches for the local network."""
    combined_patches: Annotated[int, Field(ge=1, le=16)] = 2
    """How many patches are averaged into one combination."""
    isolate_patch_statistics: bool = True
    """Keep patches out of the BatchNorm running statistics of whole views."""
    global_weight: Weight = 6.0
    local_weight: Weight = 1.0
    dense_weight: Weight = 0.0
    flaw_weight: Weight = 0.0
    preserve_weight: Weight = 0.0
    """Holds patch embeddings to those of the start weights."""
    dense_width: Annotated[int, Field(ge=16, le=1024)] = 128
    dense_temperature: Temperature = 0.2

    @model_validator(mode="after")
    def _terms_fit(self) -> Self:
        if self.combined_patches > self.grid**2:
            raise ValueError(
                f"combined_patches is {self.combined_patches}, but a grid of {self.grid} has {self.grid**2} patches"
            )
        if not any((self.global_weight, self.local_weight, self.dense_weight, self.flaw_weight)):
            raise ValueError("every weight is 0: nothing would be learnt")
        return self


class OptimisationRecipe(Settings):
    """The optimiser and its schedule."""

    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.1
    sgd_momentum: Share = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-4
    backbone_rate_factor: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The backbone learns this much slower than the fresh heads: below 1 for a warm start."""
    warm_up: Share = 0.05
    """Part of the schedule in which the learning rate rises."""
    batch_size: Annotated[int, Field(ge=2, le=8192)] = 32
    steps: Annotated[int, Field(ge=1)] = 1000
    """Length of the schedule, unless --minutes gives it."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the networks' forward pass; weights and losses stay float32. Depthwise networks gain nothing on a CPU."""


class Recipe(Settings):
    """All of a training run. Its digest names it in everything made from it."""

    name: str
    seed: int = 0
    preprocessing: Preprocessing = Preprocessing()
    choose_illumination: bool = True
    """Choose preprocessing.illumination from the unlabeled images and synthetic flaws, before training."""
    encoder: EncoderRecipe = EncoderRecipe()
    views: ViewsRecipe = ViewsRecipe()
    method: MethodRecipe = MethodRecipe()
    optimisation: OptimisationRecipe = OptimisationRecipe()

    @model_validator(mode="after")
    def _patches_are_large_enough(self) -> Self:
        patch_px = self.views.view_px // self.method.grid
        if self.method.local_weight and patch_px < self.encoder.pooled_tap:
            raise ValueError(
                f"views.view_px {self.views.view_px} in a grid of {self.method.grid} gives patches of {patch_px} px, "
                f"smaller than encoder.pooled_tap {self.encoder.pooled_tap}"
            )
        return self


def load_recipe(name_or_path: str) -> Recipe:
    """A shipped recipe by name, or any by path. Raises ConfigError."""
    return read_shipped_toml(name_or_path, SHIPPED, Recipe)


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with Kensa."""
    return shipped_names(SHIPPED)
