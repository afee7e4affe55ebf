"""`python -m pretrain bench`: images a second, side by side in one run."""

import tempfile
from pathlib import Path
from typing import Annotated

import torch
import typer

from inspection.config import validate
from inspection.terminal import emit_figures, show_table
from pretrain.bench.scaling import measure_scaling
from pretrain.bench.throughput import Throughput, measure_throughput
from pretrain.bench.workload import build_workload
from pretrain.processes.device import device
from pretrain.processes.distributed import exchange, is_leader, joined
from pretrain.recipe import Recipe, load_recipe


def bench(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or path of a .toml file.")] = "demo",
    batch: Annotated[int | None, typer.Option(min=2, help="Images a step, instead of the recipe's.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to measure.")] = 60.0,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Measure the full step with so many processes, too.")
    ] = 1,
    compiled: Annotated[bool, typer.Option("--compile", help="Let torch.compile build the backbones (CUDA).")] = False,
) -> None:
    """Measure images a second on generated images: of the full step, fed from a shard; of the step on images already on
    the device; of the bare encoder, forward and backward. Under torchrun, of all processes together."""
    loaded = _with_batch(load_recipe(recipe), batch)
    throughput = _measure(loaded, seconds, compiled)
    if not is_leader():
        return
    figures: dict[str, object] = {
        "recipe": loaded.name,
        "device": _device_name(),
        "threads": torch.get_num_threads(),
        "batch_size": loaded.optimisation.batch_size,
        "rounds": throughput.rounds,
        "full_step_images_per_s": round(throughput.full_step, 2),
        "device_step_images_per_s": round(throughput.device_step, 2),
        "forward_backward_images_per_s": round(throughput.forward_backward, 2),
        "ratio": round(throughput.ratio, 4),
    }
    if processes > 1:
        size = loaded.optimisation.batch_size
        figures["scaling"] = measure_scaling(recipe, size, seconds, processes).figures()
    _show(figures)
    emit_figures(figures)


def _with_batch(recipe: Recipe, batch: int | None) -> Recipe:
    if batch is None:
        return recipe
    optimisation = {**recipe.optimisation.model_dump(), "batch_size": batch}
    return validate({**recipe.model_dump(), "optimisation": optimisation}, Recipe, source=f"--batch {batch}")


def _measure(recipe: Recipe, seconds: float, compiled: bool) -> Throughput:
    with joined() as team, tempfile.TemporaryDirectory(prefix="kensa-bench-") as folder:
        # One shard for all processes of the machine.
        workload = build_workload(recipe, Path(exchange(team, folder)[0]), team, compiled=compiled)
        return measure_throughput(workload, seconds, team)


def _device_name() -> str:
    return torch.cuda.get_device_name() if device().type == "cuda" else "cpu"


def _show(figures: dict[str, object]) -> None:
    scaling = figures.get("scaling")
    rows = [(name, value) for name, value in figures.items() if name != "scaling"]
    rows += list(scaling.items()) if isinstance(scaling, dict) else []
    show_table("training throughput", ["figure", "value"], rows)
