"""One step of a run: losses and gradient of a batch, part by part and over all processes, then the optimiser's move."""

from dataclasses import replace

import torch
from torch import Tensor

from pretrain.method import StepLosses, step_losses
from pretrain.networks.networks import Networks
from pretrain.processes.distributed import Team, sum_gradients
from pretrain.processes.one_batch import Share, sharing
from pretrain.recipe import Recipe
from pretrain.training.checkpoint import Trainee
from pretrain.training.optimiser import set_learning_rates


def take_step(
    trainee: Trainee, images: Tensor, recipe: Recipe, rate_factor: float, team: Team | None = None
) -> StepLosses:
    """Descend on a batch of which `images`, float [B, 3, S, S] in 0..1, are this process's rows, part after part."""
    team = team or Team()
    networks = trainee.networks
    assert isinstance(networks, Networks)
    set_learning_rates(trainee.optimiser, rate_factor)
    trainee.optimiser.zero_grad(set_to_none=True)
    losses = accumulate_gradients(networks, images, recipe, trainee.generator, team)
    weights = [weight for weight in networks.parameters() if weight.requires_grad]
    sum_gradients(team, weights)
    if recipe.optimisation.longest_gradient:
        torch.nn.utils.clip_grad_norm_(weights, max_norm=recipe.optimisation.longest_gradient)
    trainee.optimiser.step()
    networks.update_momentum_network()
    return losses


def accumulate_gradients(
    networks: Networks, images: Tensor, recipe: Recipe, generator: torch.Generator, team: Team
) -> StepLosses:
    """The mean losses of a batch's parts; their gradient is left in the networks, of this process's rows alone."""
    part_count = recipe.optimisation.accumulate
    half = recipe.optimisation.precision == "bfloat16"
    drawn = generator.get_state()
    parts: list[StepLosses] = []
    for number, part in enumerate(images.chunk(part_count)):
        # Each part cuts its rows out of the same draws for the whole batch.
        generator.set_state(drawn)
        with (
            sharing(Share(team.rank, team.count, number, part_count)),
            torch.autocast(images.device.type, torch.bfloat16, enabled=half),
        ):
            losses = step_losses(networks, part, recipe, generator)
        (losses.total / part_count).backward()
        parts.append(replace(losses, total=losses.total.detach()))
    return parts[0] if part_count == 1 else _mean(parts)


def _mean(parts: list[StepLosses]) -> StepLosses:
    def mean(values: list[Tensor]) -> Tensor:
        return torch.stack(values).detach().mean()

    terms = {name: mean([part.terms[name] for part in parts]) for name in parts[0].terms}
    spread = sum(part.spread for part in parts) / len(parts)
    return StepLosses(mean([part.total for part in parts]), terms, spread)
