"""A scale of the ablation that a test can run: two classes, a few steps."""

from __future__ import annotations

from inspection.images.preprocess import Preprocessing
from pretrain.ablation.scale import Scale
from pretrain.recipe import ViewsRecipe
from tests.pretrain.tiny import tiny_recipe


def tiny_scale(steps: int = 4) -> Scale:
    small = {
        "hold_out": False,
        "preprocessing": Preprocessing(input_px=32),
        "views": ViewsRecipe(view_px=32),
    }
    recipe = tiny_recipe(steps=steps, dense_weight=1.0).model_copy(update=small)
    return Scale(classes=("dark", "striped"), train_images_per_class=6, seeds=2, recipe=recipe)
