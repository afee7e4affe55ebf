"""How a run ends: with the encoder that it leaves behind."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pretrain.encoder.encoder import Encoder


@torch.no_grad()
def blend_with_start(encoder: Encoder, start: Mapping[str, Tensor], start_share: float) -> None:
    """Every weight of `encoder` becomes start_share of its `start` and the rest of itself.

    Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", equation 1.
    """
    for name, value in encoder.state_dict().items():
        if value.is_floating_point():
            value.lerp_(start[name].to(value), start_share)
