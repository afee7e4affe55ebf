"""`python -m pretrain ablation`."""

from pathlib import Path
from typing import Annotated

import typer

from inspection.terminal import emit_figures
from pretrain.ablation.report import figures_of, show_study
from pretrain.ablation.scale import load_scale
from pretrain.ablation.study import AblationRequest, run_ablation


def ablation(
    data: Annotated[Path, typer.Option(help="A labeled folder, or a pack of JPEG images (.npz).")],
    out: Annotated[Path, typer.Option(help="Where runs, figures and unpacked images go.")],
    scale: Annotated[str, typer.Option(help="cpu (well under an hour), full (a GPU), or the path of a .toml.")] = "cpu",
    seeds: Annotated[int | None, typer.Option(min=1, max=100, help="Default: the scale's own.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a stopped ablation was.")] = False,
) -> None:
    """Measure what each part of the method adds: four arms at the same number of image-forwards, paired by seed."""
    study = run_ablation(AblationRequest(load_scale(scale), data, out, seeds, resume))
    show_study(study)
    emit_figures(figures_of(study))
