"""The table at the end of an ablation, and its figures for a script."""

from collections.abc import Iterator

from inspection.terminal import show_table
from pretrain.ablation.arms import ARMS
from pretrain.ablation.comparison import Difference, paired_difference, summarise
from pretrain.ablation.study import INIT, Study

FIGURES = ("linear_top1", "knn_top1")
# What each part adds to the one before, then what all of them so far add to the plain one.
PAIRS = (("a", "b"), ("b", "c"), ("c", "d"), ("a", "c"), ("a", "d"))


def show_study(study: Study) -> None:
    """Both tables on standard output."""
    plan = study.plan
    columns = ["top-1 %", "linear", "± sd", "kNN", "± sd", "forwards", "with gradient", "steps", "minutes"]
    title = f"{plan.train_image_count} training images, {plan.test_image_count} test images, {plan.seeds} seeds"
    show_table(title, columns, _arm_rows(study))
    columns = ["points", "linear", "95 % from", "to", "kNN", "95 % from", "to"]
    show_table("differences, paired by seed", columns, _difference_rows(study))


def figures_of(study: Study) -> dict[str, object]:
    """All of it as JSON values; percent, and points for differences."""
    plan = study.plan
    arms = {name: _summaries(study, name) for name in study.by_arm}
    for arm in ARMS:
        arms[arm.letter] |= {"adds": arm.adds, **plan.arms[arm.letter].model_dump()}
    return {
        "scale": plan.scale.recipe.name,
        "scale_sha256": plan.scale_sha256,
        "seeds": plan.seeds,
        "train_images": plan.train_image_count,
        "test_images": plan.test_image_count,
        "pixels": study.pixels,
        "arms": arms,
        "differences": {
            f"{after}-{before}": {name: vars(_difference(study, before, after, name)) for name in FIGURES}
            for before, after in PAIRS
        },
    }


def _summaries(study: Study, arm: str) -> dict[str, object]:
    lists = {name: [figures[name] for figures in study.by_arm[arm]] for name in FIGURES}
    values: dict[str, object] = {f"{name}_by_seed": figures for name, figures in lists.items()}
    for name, figures in lists.items():
        summary = summarise(figures)
        values |= {name: summary.mean, f"{name}_deviation": summary.deviation}
    return values


def _arm_rows(study: Study) -> Iterator[list[object]]:
    yield ["bare pixels", None, None, _rounded(study.pixels["knn_top1"]), *[None] * 5]
    yield ["random weights", *_mean_and_deviation(study, INIT), *[None] * 4]
    for arm in ARMS:
        plan = study.plan.arms[arm.letter]
        minutes = summarise([figures["minutes"] for figures in study.by_arm[arm.letter]]).mean
        costs = [plan.forwards_per_image, plan.with_gradient, plan.steps, f"{minutes:.1f}"]
        yield [f"({arm.letter}) {arm.adds}", *_mean_and_deviation(study, arm.letter), *costs]


def _mean_and_deviation(study: Study, arm: str) -> list[object]:
    summaries = [summarise([figures[name] for figures in study.by_arm[arm]]) for name in FIGURES]
    return [_rounded(value) for summary in summaries for value in vars(summary).values()]


def _difference_rows(study: Study) -> Iterator[list[object]]:
    for before, after in PAIRS:
        differences = [_difference(study, before, after, name) for name in FIGURES]
        yield [f"({after}) - ({before})", *(_rounded(value) for one in differences for value in vars(one).values())]


def _difference(study: Study, before: str, after: str, name: str) -> Difference:
    first, second = ([figures[name] for figures in study.by_arm[arm]] for arm in (before, after))
    return paired_difference(first, second)


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
