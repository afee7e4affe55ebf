"""The plan of an ablation: what was asked, and what every arm may spend."""

from pathlib import Path

from inspection.config import Settings
from inspection.errors import TrainingError
from inspection.images.digest import sha256_of_set
from pretrain.ablation.arms import ARMS
from pretrain.ablation.forwards import forwards_per_image
from pretrain.ablation.json_files import read_json
from pretrain.ablation.scale import Scale
from pretrain.evaluate.labeled_images import LabeledImages
from pretrain.whole_files import replace_text, told_of_the_disk


class ArmPlan(Settings):
    """What an arm costs: image-forwards of each image of a batch, those of them with gradient, and its steps."""

    forwards_per_image: float
    with_gradient: float
    steps: int


class Plan(Settings):
    """What a study was asked. A resumed one must be asked the same."""

    scale: Scale
    scale_sha256: str
    seeds: int
    train_images_sha256: str
    train_image_count: int
    test_images_sha256: str
    test_image_count: int
    split: str
    arms: dict[str, ArmPlan]


def draw_plan(scale: Scale, seeds: int, images: LabeledImages) -> Plan:
    """Every arm gets the image-forwards of the one that forwards most in the recipe's steps, to the nearest step."""
    whole = scale.recipe
    counted = {arm.letter: forwards_per_image(arm.recipe(whole, 0, 1)) for arm in ARMS}
    budget = whole.optimisation.steps * max(one.total for one in counted.values())
    arms = {
        letter: ArmPlan(forwards_per_image=one.total, with_gradient=one.with_gradient, steps=round(budget / one.total))
        for letter, one in counted.items()
    }
    return Plan(
        scale=scale,
        scale_sha256=scale.sha256(),
        seeds=seeds,
        train_images_sha256=sha256_of_set(images.train.digests),
        train_image_count=len(images.train.labels),
        test_images_sha256=sha256_of_set(images.test.digests),
        test_image_count=len(images.test.labels),
        split=images.split,
        arms=arms,
    )


def settle_plan(file: Path, plan: Plan) -> None:
    """Write the plan, or compare it with the one that stands. Raises TrainingError where they differ."""
    if not file.exists():
        with told_of_the_disk(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_text(file, plan.model_dump_json(indent=2) + "\n")
        return
    started = read_json(file)
    for field, value in plan.model_dump(mode="json").items():
        if started.get(field) != value:
            name = field.removesuffix("_sha256").replace("_", " ")
            raise TrainingError(
                f"{file.parent}: was started with other {name}", "resume with the same, or choose another --out"
            )
