"""One process of a pair, started by test_two_processes.py: steps on its half of each batch, a run, and runs that fail.

    python -m tests.pretrain.two_processes FOLDER IMAGES PORT PORT PORT PORT

Every PORT serves one meeting of the pair; RANK, WORLD_SIZE and LOCAL_RANK are set as torchrun would set them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

import pretrain.training.descent
from inspection.terminal import run_command_line
from pretrain.__main__ import app
from pretrain.networks.networks import Networks
from pretrain.processes.distributed import Team, joined, sum_gradients
from pretrain.processes.whole_batch_norm import spread_batch_norms
from pretrain.recipe import Recipe
from pretrain.training.checkpoint import Trainee
from pretrain.training.optimiser import build_optimiser
from pretrain.training.schedule import Progress
from pretrain.training.step import accumulate_gradients, take_step
from tests.pretrain.tiny import some_images, tiny_networks, tiny_recipe

# Batches on which no choice hangs by rounding: a nearest neighbour that is one by a millionth may be another in two.
SEEDS = (10, 11)
PLACES = {"dense_weight": 1.0, "flaw_weight": 1.0, "small_weight": 1.0, "preserve_weight": 1.0}
TWO_PARTS = tiny_recipe().optimisation.model_copy(update={"accumulate": 2})
RECIPES = {
    "every-term": tiny_recipe(**PLACES, map_weight=1.0),
    "in-parts": tiny_recipe(**PLACES).model_copy(update={"optimisation": TWO_PARTS}),
}


def trained(recipe: Recipe, team: Team) -> dict[str, Tensor]:
    """Gradients of a batch of 8 and, after steps on others, all that has changed, whatever the number of processes."""
    networks = _networks(recipe, team)
    generator = torch.Generator().manual_seed(5)
    batches = [_own(some_images(8, seed), recipe, team) for seed in SEEDS]
    losses = accumulate_gradients(networks, batches[0], recipe, generator, team)
    sum_gradients(team, list(networks.parameters()))
    found = {
        f"gradient.{name}": weight.grad.clone()
        for name, weight in networks.named_parameters()
        if weight.grad is not None
    }
    found |= {f"loss.{name}": term.detach().clone() for name, term in losses.terms.items()}
    found["spread"] = torch.tensor(losses.spread)
    trainee = Trainee(networks, build_optimiser(networks, recipe), generator, Progress())
    for batch in batches:
        take_step(trainee, batch, recipe, 0.1, team)
    return found | {f"state.{name}": value.clone() for name, value in networks.state_dict().items()}


def _networks(recipe: Recipe, team: Team) -> Networks:
    networks = tiny_networks(recipe, warm=True)
    if team.count > 1:
        spread_batch_norms(networks)
    return networks.to(memory_format=torch.channels_last).train()


def _own(images: Tensor, recipe: Recipe, team: Team) -> Tensor:
    parts = recipe.optimisation.accumulate
    return images.view(parts, team.count, -1, *images.shape[1:])[:, team.rank].flatten(0, 1)


def poison_second_process() -> None:
    """From now on the second process sees images of NaN."""
    real = pretrain.training.descent.as_input
    factor = float("nan") if os.environ["RANK"] == "1" else 1.0
    pretrain.training.descent.as_input = lambda pixels, device: real(pixels, device) * factor


def command(*arguments: str) -> int:
    """`python -m pretrain ARGUMENTS`, within this process; its exit status."""
    sys.argv = ["pretrain", *arguments]
    try:
        run_command_line(app)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def main(folder: Path, images: str, ports: list[str]) -> None:
    torch.set_num_threads(1)
    os.environ["MASTER_PORT"] = ports[0]
    with joined() as team:
        for name, recipe in RECIPES.items():
            tensors = {key: value.contiguous() for key, value in trained(recipe, team).items()}
            save_file(tensors, folder / f"{name}-{team.rank}.safetensors")
    recipe_file = str(folder / "tiny.toml")
    os.environ["MASTER_PORT"] = ports[1]
    statuses = [command("train", recipe_file, "--images", images, "--out", str(folder / "straight"))]
    os.environ["MASTER_PORT"] = ports[2]
    (folder / "empty").mkdir(exist_ok=True)
    statuses.append(command("train", recipe_file, "--images", str(folder / "empty"), "--out", str(folder / "none")))
    os.environ["MASTER_PORT"] = ports[3]
    poison_second_process()
    statuses.append(command("train", recipe_file, "--images", images, "--out", str(folder / "poisoned")))
    (folder / f"statuses-{os.environ['RANK']}").write_text(" ".join(map(str, statuses)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
