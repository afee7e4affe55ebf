"""Forms to time: a build from a few drawn pictures, since weights do not matter to the clock, but shapes do."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from distill.build import BuildRequest, Forms, build
from distill.quantise import quantise
from distill.recipe import DEFAULT_RECIPE
from distill.recipe import load_recipe as load_student_recipe
from distill.scoring_graph import ScoringGraph
from inspection.bundle.reader import open_bundle
from inspection.errors import ConfigError
from inspection.images.decode import encode_png
from inspection.start_weights import COLD_RECIPE, WARM_RECIPE, find_start_weights
from inspection.terminal import say
from pretrain.recipe import Recipe, load_recipe
from pretrain.train import TrainingRequest, train

_PICTURES = 24
_BATCH_SIZE = 4


@dataclass(frozen=True)
class Built:
    """Torch graphs by stage, and the bundle whose ONNX is timed."""

    graphs: dict[str, ScoringGraph]
    bundle: Path
    int8_bundle: Path | None
    int8_reason: str
    input_px: int


def build_forms(folder: Path, recipe_name: str, bundle: Path | None, int8_bundle: Path | None) -> Built:
    """Forms of the recipes that `bundle` names, else of the student's `recipe_name`; a bundle's own ONNX is timed.

    Raises KensaError, of which ConfigError where the bundle's recipes are not shipped ones.
    """
    weights = find_start_weights(None)
    pretraining, student = (WARM_RECIPE if weights else COLD_RECIPE), recipe_name
    if bundle is not None:
        pretraining, student = _recipes_of(bundle)
    recipe = _for_a_moment(load_recipe(pretraining))
    draw_pictures(folder / "pictures", _PICTURES, recipe.preprocessing.input_px)
    start = weights if recipe.encoder.freeze_batch_norm else None
    run = train(TrainingRequest(recipe, folder / "pictures", folder / "run", start_weights=start))
    graphs: dict[str, ScoringGraph] = {}

    def witness(forms: Forms) -> None:
        graphs.update(forms.graphs)

    student_recipe = load_student_recipe(student)
    learning = student_recipe.learning.model_copy(update={"steps": 1, "batch_size": _BATCH_SIZE})
    student_recipe = student_recipe.model_copy(update={"learning": learning})
    build(BuildRequest(student_recipe, run.root, folder / "pictures", folder / "bundle"), witness)
    if int8_bundle is None:
        tried = quantise(folder / "bundle", run.root, folder / "pictures", folder / "int8", ledger_decides=False)
        int8_bundle = folder / "int8" if tried.manifest is not None else None
        reason = tried.reason
    else:
        reason = f"of {int8_bundle}"
    timed = bundle if bundle is not None else folder / "bundle"
    return Built(graphs, timed, int8_bundle, reason, open_bundle(timed).manifest.preprocessing.input_px)


def _for_a_moment(recipe: Recipe) -> Recipe:
    """The recipe with a single small step and nothing to choose: the network's shape is all that is wanted."""
    optimisation = recipe.optimisation.model_copy(update={"steps": 1, "batch_size": _BATCH_SIZE})
    return recipe.model_copy(update={"choose_illumination": False, "optimisation": optimisation})


def draw_pictures(folder: Path, count: int, side_px: int) -> None:
    """Discs on a plain ground, each a little different: enough to train on for a moment."""
    folder.mkdir(parents=True)
    for number in range(count):
        chance = np.random.default_rng(number)
        picture = np.full((side_px, side_px, 3), 60, np.float32)
        centre = [round(side_px / 2 + float(chance.uniform(-3, 3))) for _ in range(2)]
        cv2.circle(picture, centre, round(side_px * 0.36), (150, 145, 140), -1)
        noisy = picture * chance.uniform(0.9, 1.1) + chance.normal(0, 4, picture.shape)
        (folder / f"{number:03d}.png").write_bytes(encode_png(np.clip(noisy, 0, 255).astype(np.uint8)))


def _recipes_of(bundle: Path) -> tuple[str, str]:
    names = open_bundle(bundle).manifest.provenance.recipe.split(" + ")
    try:
        load_recipe(names[0])
        load_student_recipe(names[1])
    except (ConfigError, IndexError):
        say(f"note: {' + '.join(names)} are no shipped recipes; the teacher timed is that of the default ones")
        return (WARM_RECIPE if find_start_weights(None) else COLD_RECIPE), DEFAULT_RECIPE
    return names[0], names[1]
