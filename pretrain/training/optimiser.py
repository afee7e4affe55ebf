"""The optimiser of a run and its parameter groups, each with the learning rate it starts the schedule from."""

from typing import Any

import torch

from pretrain.networks.networks import Networks
from pretrain.recipe import Recipe


def build_optimiser(networks: Networks, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW or SGD over the online network: backbone, heads, predictor. Every group holds its `base_rate`."""
    chosen = recipe.optimisation
    rate = chosen.learning_rate
    # Only what was learnt before is learnt slower: random weights have nothing to lose.
    factor = chosen.backbone_rate_factor if networks.encoder.has_start_weights else 1.0
    heads = [*networks.projector.parameters(), *networks.dense_head.parameters()]
    predictor = list(networks.predictor.parameters())
    groups: list[dict[str, Any]] = [
        {"params": list(networks.encoder.parameters()), "base_rate": rate * factor, "is_constant": False},
        {"params": heads, "base_rate": rate, "is_constant": False},
        {"params": predictor, "base_rate": rate, "is_constant": chosen.constant_predictor_rate},
    ]
    if chosen.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=rate, weight_decay=chosen.weight_decay, fused=True)
    return torch.optim.SGD(groups, lr=rate, momentum=chosen.sgd_momentum, weight_decay=chosen.weight_decay, fused=True)


def set_learning_rates(optimiser: torch.optim.Optimizer, rate_factor: float) -> None:
    """Give every group its rate for this step: `rate_factor` of its `base_rate`, or all of it where it is constant."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_rate"] * (1.0 if group["is_constant"] else rate_factor)
