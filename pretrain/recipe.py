"""The recipe: every choice of a training run, in one TOML file."""

from math import comb
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from inspection.config import Settings, read_shipped_toml, shipped_names
from inspection.images.preprocess import Preprocessing

SHIPPED = Path(__file__).parent / "recipes"

Weight = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Area = Annotated[float, Field(gt=0, le=1)]
Temperature = Annotated[float, Field(ge=0.01, le=2)]
MAX_COMBINATIONS = 128
"""Of patches: each is a pass through the projector."""


class EncoderRecipe(Settings):
    """The backbone and where its feature maps are tapped."""

    backbone: str = "resnet18"
    """resnet18, resnet34, resnet50, wide_resnet50_2 (torchvision's), or a timm name that offers feature maps."""
    stem: Literal["imagenet", "cifar"] = "imagenet"
    """How the first convolution meets the image: 7x7 in steps of 2 and a pooling; or 3x3 in steps of 1 and none, for
    small images. The strides of the stages are then 1, 2, 4, 8. torchvision's alone have the choice."""
    colour: bool = True
    """False: luminance alone, through a first convolution of one channel. Published colour weights still load."""
    taps: tuple[int, ...] = (8, 16)
    """Strides of the feature maps that make the patch embeddings, finest first."""
    pooled_tap: int = 32
    """Stride of the feature map that is averaged for the whole view."""
    freeze_batch_norm: bool = False
    """Keep the statistics of the start weights: steadier where there are few images. A run from random weights has none
    to keep, and learns them."""

    @model_validator(mode="after")
    def _taps_are_ordered(self) -> Self:
        if not self.taps or list(self.taps) != sorted(set(self.taps)):
            raise ValueError("taps must be strides in rising order, each once")
        return self


class ViewsRecipe(Settings):
    """How views are drawn from an image."""

    count: Literal[2, 3] = 3
    """Whole views of an image. With 3, as in the paper, the local term compares views 1 and 2, every other term 1 and
    3; with 2 all compare the same two. A view that no term compares is not drawn."""
    view_px: Annotated[int, Field(ge=32, le=1024, multiple_of=32)] = 128
    min_area: Area = 0.2
    """Smallest part of the image a view may show."""
    max_area: Area = 1.0
    """Largest part. Little more than min_area keeps every view near one scale."""
    small_count: Annotated[int, Field(ge=1, le=10)] = 4
    """Small views of an image, where method.small_weight asks for them."""
    small_px: Annotated[int, Field(ge=16, le=512, multiple_of=16)] = 64
    small_area: tuple[Area, Area] = (0.05, 0.2)
    """Smallest and largest part of the image a small view may show."""
    flip: bool = True
    brightness: Share = 0.4
    contrast: Share = 0.4
    saturation: Share = 0.4
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    jitter_rate: Share = 0.8
    grey_rate: Share = 0.2
    blur_rate: Share = 0.5

    @model_validator(mode="after")
    def _areas_are_ordered(self) -> Self:
        if self.min_area > self.max_area:
            raise ValueError(f"min_area {self.min_area:g} is more than max_area {self.max_area:g}")
        if self.small_area[0] > self.small_area[1]:
            raise ValueError("small_area must be the smallest part, then the largest")
        return self


class MethodRecipe(Settings):
    """The networks and the terms of the loss, each with its weight; a weight of 0 leaves the term out."""

    networks: Literal[1, 2, 3] = 3
    """1: the online network alone, its own embeddings under stop-gradient in the momentum network's place (NNCLR).
    2: and the momentum network. 3: and the local network, which local_weight needs."""
    projection_width: Annotated[int, Field(ge=16, le=8192)] = 2048
    prediction_hidden_width: Annotated[int, Field(ge=16, le=8192)] = 512
    ema_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    momentum_starts_as_copy: bool = True
    """False: from random weights of its own, as in the released code."""
    neighbours: bool = True
    """An embedding's nearest neighbour in the queue stands in for it. False: the embedding itself; no queue."""
    queue_length: Annotated[int, Field(ge=16, le=1_000_000)] = 16384
    temperature: Temperature = 0.2
    local_temperature: Temperature | None = None
    """Of the local term; as `temperature` where not given."""
    grid: Annotated[int, Field(ge=2, le=4)] = 2
    """A view is cut in grid x grid patches for the local network."""
    combined_patches: Annotated[int, Field(ge=1, le=16)] = 2
    """How many patches are averaged into one combination."""
    isolate_patch_statistics: bool = True
    """Keep patches and small views out of the BatchNorm running statistics of whole views."""
    local_gradient: bool = True
    """False: the local term is computed and moves nothing, as in the released code."""
    global_weight: Weight = 6.0
    small_weight: Weight = 0.0
    """Of the small views, each against the whole views' neighbours (multi-crop)."""
    local_weight: Weight = 1.0
    dense_weight: Weight = 0.0
    flaw_weight: Weight = 0.0
    map_weight: Weight = 0.0
    """Of the anomaly map of the embeddings themselves, in which synthetic flaws must stand out."""
    map_limit: Annotated[float, Field(gt=0, lt=2)] = 0.7
    """Distance to the nearest normal patch embeddings that parts clean from flawed; a tap's length is 1."""
    map_temperature: Temperature = 0.16
    preserve_weight: Weight = 0.0
    """Holds patch embeddings to those of the start weights; left out where a run starts from random weights."""
    dense_width: Annotated[int, Field(ge=16, le=1024)] = 128
    dense_temperature: Temperature = 0.2

    @property
    def finds_targets(self) -> bool:
        """Is there a term that compares predictions with another view's embedding or its neighbour?"""
        return bool(self.global_weight or self.small_weight)

    @property
    def compares_ends(self) -> bool:
        """Is there a term that compares the first view with the last?"""
        return bool(self.finds_targets or self.dense_weight)

    @model_validator(mode="after")
    def _terms_fit(self) -> Self:
        if self.local_weight and self.networks < 3:
            raise ValueError(
                f"local_weight is {self.local_weight:g}, but the local network is the third and networks is "
                f"{self.networks}: set local_weight to 0 or networks to 3"
            )
        local = self.local_weight if self.local_gradient else 0
        places = self.dense_weight or self.flaw_weight or self.map_weight
        if not any((self.global_weight, self.small_weight, local, places)):
            reason = "local_gradient is false and every other weight is 0" if self.local_weight else "every weight is 0"
            raise ValueError(f"{reason}: nothing would be learnt")
        return self

    @model_validator(mode="after")
    def _patches_combine(self) -> Self:
        patches = self.grid**2
        if self.combined_patches > patches:
            raise ValueError(
                f"combined_patches is {self.combined_patches}, but a grid of {self.grid} has {patches} patches"
            )
        count = comb(patches, self.combined_patches)
        if self.local_weight and count > MAX_COMBINATIONS:
            raise ValueError(
                f"combined_patches {self.combined_patches} of {patches} make {count} combinations, more than "
                f"{MAX_COMBINATIONS}: combine fewer or more of them, or choose a coarser grid"
            )
        return self


class OptimisationRecipe(Settings):
    """The optimiser and its schedule."""

    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.1
    sgd_momentum: Share = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-4
    backbone_rate_factor: Annotated[float, Field(ge=0, le=1)] = 1.0
    """A backbone with start weights learns this much slower than the fresh heads; one without learns as they do."""
    constant_predictor_rate: bool = False
    """The predictor keeps the full learning rate throughout, as in the paper."""
    longest_gradient: Annotated[float, Field(ge=0, le=1e6)] = 10.0
    """A longer gradient, over all weights, is cut to this length; 0 leaves it as it is, as the paper does."""
    warm_up: Share = 0.05
    """Part of the schedule in which the learning rate rises."""
    batch_size: Annotated[int, Field(ge=2, le=8192)] = 32
    accumulate: Annotated[int, Field(ge=1, le=256)] = 1
    """A batch is taken in this many parts, one after another, where memory does not hold it. Views stay those of the
    whole batch, but what is compared or normalised with others is so within its part."""
    steps: Annotated[int, Field(ge=1)] = 1000
    """Length of the schedule, unless --minutes gives it."""
    most_steps: Annotated[int, Field(ge=1)] | None = None
    """Of a run from published weights whose length --minutes gives: the schedule is over then, at the latest."""
    start_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """So much of published start weights is in the encoder that training ends with: the mean of both keeps what either
    knows (Wortsman et al. 2022). Left out where a run starts from random weights."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the networks' forward pass; weights and losses stay float32. Depthwise networks gain nothing on a CPU."""

    @model_validator(mode="after")
    def _parts_are_even(self) -> Self:
        if self.batch_size % self.accumulate:
            raise ValueError(f"batch_size {self.batch_size} is not to be cut in accumulate = {self.accumulate} parts")
        return self


class Recipe(Settings):
    """All of a training run. Its digest names it in everything made from it."""

    name: str
    seed: int = 0
    needs_start_weights: bool = False
    """Refuse to start from random weights: the recipe's rates and weights are for adapting published ones."""
    preprocessing: Preprocessing = Preprocessing()
    largest_input_px: Annotated[int, Field(ge=32, le=2048, multiple_of=32)] | None = None
    """Let the input follow the images' own size from preprocessing.input_px up to this; None keeps that."""
    choose_illumination: bool = True
    """Choose preprocessing.illumination from the unlabeled images and synthetic flaws, before training."""
    hold_out: bool = True
    """Keep some images out of training, to calibrate thresholds with. False: all are trained on, as benchmarks do."""
    encoder: EncoderRecipe = EncoderRecipe()
    views: ViewsRecipe = ViewsRecipe()
    method: MethodRecipe = MethodRecipe()
    optimisation: OptimisationRecipe = OptimisationRecipe()

    @property
    def holds_on_to_start(self) -> bool:
        """Is there a value that start weights alone give a sense to?"""
        return bool(self.encoder.freeze_batch_norm or self.method.preserve_weight or self.optimisation.start_share)

    @property
    def view_count(self) -> int:
        """Whole views that a step draws: a third one only where the local term and others each compare a pair."""
        return self.views.count if self.method.local_weight and self.method.compares_ends else 2

    @model_validator(mode="after")
    def _largest_input_is_no_smaller(self) -> Self:
        least = self.preprocessing.input_px
        if self.largest_input_px is not None and self.largest_input_px < least:
            raise ValueError(f"largest_input_px {self.largest_input_px} is below preprocessing.input_px {least}")
        return self

    @model_validator(mode="after")
    def _views_are_large_enough(self) -> Self:
        patch_px, pooled_tap = self.views.view_px // self.method.grid, self.encoder.pooled_tap
        if self.method.local_weight and patch_px < pooled_tap:
            raise ValueError(
                f"views.view_px {self.views.view_px} in a grid of {self.method.grid} gives patches of {patch_px} px, "
                f"smaller than encoder.pooled_tap {pooled_tap}"
            )
        if self.method.small_weight and self.views.small_px < pooled_tap:
            raise ValueError(f"views.small_px {self.views.small_px} is smaller than encoder.pooled_tap {pooled_tap}")
        return self

    @model_validator(mode="after")
    def _queue_holds_a_batch(self) -> Self:
        length, batch_size = self.method.queue_length, self.optimisation.batch_size
        if self.method.finds_targets and self.method.neighbours and length < batch_size:
            raise ValueError(f"method.queue_length {length} is shorter than optimisation.batch_size {batch_size}")
        return self


def load_recipe(name_or_path: str) -> Recipe:
    """A shipped recipe by name, or any by path. Raises ConfigError."""
    return read_shipped_toml(name_or_path, SHIPPED, Recipe)


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with Kensa."""
    return shipped_names(SHIPPED)
