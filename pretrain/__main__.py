"""Command line of pretraining: `python -m pretrain`."""

from pathlib import Path
from typing import Annotated

import typer

from inspection.terminal import emit_figures, run_command_line, show_table
from pretrain.evaluate.gain import measure_gain
from pretrain.recipe import load_recipe
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest
from pretrain.train import train as run_training

app = typer.Typer(help="Pretrain an encoder on unlabeled images.", no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or path of a .toml file.")],
    images: Annotated[Path, typer.Option(help="Folder of unlabeled images; folders below it are lots.")],
    out: Annotated[Path, typer.Option(help="The run's directory.")],
    minutes: Annotated[
        float | None, typer.Option(min=0.05, help="Length of the schedule instead of the recipe's steps.")
    ] = None,
    init: Annotated[Path | None, typer.Option(help="Local weights of the backbone to start from.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a stopped run was.")] = False,
) -> None:
    """Train RECIPE on the images of a folder."""
    run = run_training(TrainingRequest(load_recipe(recipe), images, out, minutes, init, resume))
    record = run.read_record()
    last = run.last_metrics()
    show_table(f"run {run.root}", ["figure", "value"], list(last.items()))
    emit_figures({"run": str(run.root), "recipe": record.recipe.name, "images": record.image_count, **last})


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    images: Annotated[Path, typer.Option(help="The folder it was trained from, with test/good and test/<defect>.")],
) -> None:
    """Find real defects with the frozen encoder and a memory bank: as it started, and as pretrained."""
    gain = measure_gain(RunDirectory(run), images)
    names = [name for name, value in gain.init.items() if isinstance(value, float)]
    rows = [(name, gain.init[name], gain.pretrained[name]) for name in names]
    show_table(f"frozen encoder of {run} on {images}/test", ["figure", "as started", "pretrained"], rows)
    emit_figures({"init": gain.init, "pretrained": gain.pretrained, "gain": gain.image_auroc})


if __name__ == "__main__":
    run_command_line(app)
