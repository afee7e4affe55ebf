"""Command line of pretraining: `python -m pretrain`."""

from functools import reduce
from pathlib import Path
from typing import Annotated

import typer

from inspection.errors import ConfigError
from inspection.images.illumination import Illumination
from inspection.terminal import emit_figures, run_command_line, show_table
from pretrain.ablation.command import ablation
from pretrain.bench.command import bench
from pretrain.evaluate.gain import Gain, measure_class_gain, measure_gain
from pretrain.explore.begin import ExploreRequest
from pretrain.explore.search import explore as run_search
from pretrain.processes.distributed import is_leader
from pretrain.recipe import load_recipe
from pretrain.run_directory import RunDirectory
from pretrain.show_views.picture import ShowOptions, show_recipe
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
    cache: Annotated[
        Path | None, typer.Option(help="Where prepared images are kept for further runs. [default: beside the run]")
    ] = None,
    compiled: Annotated[bool, typer.Option("--compile", help="Let torch.compile build the backbones (CUDA).")] = False,
) -> None:
    """Train RECIPE on the images of a folder. Under torchrun, all its processes train one encoder."""
    run = run_training(TrainingRequest(load_recipe(recipe), images, out, minutes, init, resume, cache, compiled))
    if not is_leader():
        return
    record = run.read_record()
    last = run.last_metrics()
    show_table(f"run {run.root}", ["figure", "value"], list(last.items()))
    emit_figures({"run": str(run.root), "recipe": record.recipe.name, "images": record.image_count, **last})


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Directory of a finished run.")],
    images: Annotated[
        Path | None, typer.Option(help="The folder it was trained from, with test/good and test/<defect>.")
    ] = None,
    labeled: Annotated[
        Path | None, typer.Option(help="train/CLASS and test/CLASS, CLASS folders, or a pack of JPEG images (.npz).")
    ] = None,
) -> None:
    """Measure the frozen encoder, as it started and as pretrained: real defects with a memory bank, or known classes
    with a linear probe and nearest neighbours (top-1 in percent)."""
    gains = [
        *([measure_gain(RunDirectory(run), images)] if images else []),
        *([measure_class_gain(RunDirectory(run), labeled)] if labeled else []),
    ]
    if not gains:
        raise ConfigError("evaluate: nothing to measure on", "give --images, --labeled or both")
    gain = reduce(Gain.joined, gains)
    names = [name for name, value in gain.init.items() if isinstance(value, float)]
    rows = [(name, gain.init[name], gain.pretrained[name]) for name in names]
    places = " and ".join(str(place) for place in (images and images / "test", labeled) if place)
    show_table(f"frozen encoder of {run} on {places}", ["figure", "as started", "pretrained"], rows)
    emit_figures(gain.figures)


@app.command()
def show_views(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or path of a .toml file.")],
    images: Annotated[Path, typer.Option(help="Folder of unlabeled images.")],
    out: Annotated[Path, typer.Option(help="The picture, a PNG.")] = Path("views.png"),
    count: Annotated[int, typer.Option(min=1, max=12, help="How many images, drawn at random.")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed draws other images, views and flaws.")] = 0,
    illumination: Annotated[
        Illumination | None, typer.Option(help="Light treatment to show, where training would choose it.")
    ] = None,
) -> None:
    """Draw what RECIPE asks an encoder to learn: views, patches, matched places and synthetic flaws."""
    shown = show_recipe(load_recipe(recipe), images, out, ShowOptions(count, seed, illumination))
    emit_figures({"picture": str(out), "recipe": recipe, "images": [str(path) for path in shown]})


@app.command()
def explore(
    images: Annotated[Path, typer.Option(help="Folder of unlabeled images; folders below it are lots.")],
    out: Annotated[Path, typer.Option(help="The search's directory.")],
    minutes: Annotated[float, typer.Option(min=0.05, help="Budget of the whole search.")] = 60.0,
    recipe: Annotated[str, typer.Option(help="The recipe to start from: a shipped one, or a .toml file.")] = "line",
    init: Annotated[
        Path | None, typer.Option(help="Local weights of the backbone that every candidate starts from.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a stopped search was.")] = False,
) -> None:
    """Search for the recipe that suits the images: patch division, views, weights. Ranked without any label."""
    emit_figures(run_search(ExploreRequest(load_recipe(recipe), images, out, minutes, init, resume)))


app.command()(ablation)
app.command()(bench)

if __name__ == "__main__":
    run_command_line(app)
