"""Command line of distillation: `python -m distill`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from distill.build import BuildRequest
from distill.build import build as run_build
from distill.evaluate import evaluate_bundle
from distill.recipe import load_recipe
from inspection.terminal import emit_figures, run_command_line, say, show_table

app = typer.Typer(help="Distill a teacher into a bundle.", no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def build(
    teacher: Annotated[Path, typer.Option(help="Directory of a finished pretraining run.")],
    images: Annotated[Path, typer.Option(help="Folder the teacher was trained from.")],
    out: Annotated[Path, typer.Option(help="The bundle's directory.")],
    recipe: Annotated[str, typer.Option(help="Name of a shipped recipe, or path of a .toml file.")] = "small",
    minutes: Annotated[
        float | None, typer.Option(min=0.05, help="Length of the student's schedule instead of the recipe's steps.")
    ] = None,
) -> None:
    """Distill, export, calibrate, prove and package."""
    began = time.monotonic()
    manifest = run_build(BuildRequest(load_recipe(recipe), teacher, images, out, minutes))
    rows = [(stage, figures["synthetic_flaw_auroc"]) for stage, figures in manifest.metrics.items()]
    show_table(f"{manifest.bundle_id}", ["stage", "AUROC of synthetic flaws, held-out images"], rows)
    if manifest.calibration.warning:
        say(f"note: {manifest.calibration.warning}")
    emit_figures(
        {
            "bundle": str(out),
            "bundle_id": manifest.bundle_id,
            "metrics": manifest.metrics,
            "parity": manifest.parity.model_dump(),
            "seconds": round(time.monotonic() - began, 1),
        }
    )


@app.command()
def evaluate(
    bundle: Annotated[Path, typer.Argument(help="The bundle's directory.")],
    images: Annotated[Path, typer.Option(help="Folder with test/good, test/<defect> and, if known, ground_truth.")],
) -> None:
    """Judge labeled pictures with a bundle and compare with the truth."""
    evaluation = evaluate_bundle(bundle, images)
    show_table(f"{bundle} on {images}/test", ["figure", "value"], list(evaluation.figures.items()))
    show_table("image AUROC by defect", ["defect", "AUROC"], list(evaluation.by_defect.items()))
    emit_figures({**evaluation.figures, "by_defect": evaluation.by_defect})


if __name__ == "__main__":
    run_command_line(app)
