"""The optimiser of a run and its parameter groups, each with the learning rate it starts the schedule from."""

import torch

from pretrain.networks import Networks
from pretrain.recipe import Recipe


def build_optimiser(networks: Networks, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW or SGD over the online network. Every group holds its `base_rate`, which the schedule scales."""
    chosen = recipe.optimisation
    heads = [*networks.projector.parameters(), *networks.predictor.parameters(), *networks.dense_head.parameters()]
    groups = [
        {
            "params": list(networks.encoder.parameters()),
            "base_rate": chosen.learning_rate * chosen.backbone_rate_factor,
        },
        {"params": heads, "base_rate": chosen.learning_rate},
    ]
    if chosen.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=chosen.learning_rate, weight_decay=chosen.weight_decay)
    return torch.optim.SGD(
        groups, lr=chosen.learning_rate, momentum=chosen.sgd_momentum, weight_decay=chosen.weight_decay
    )


def set_learning_rates(optimiser: torch.optim.Optimizer, rate_factor: float) -> None:
    """Give every group its rate for this step: `rate_factor` of its `base_rate`."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_rate"] * rate_factor
