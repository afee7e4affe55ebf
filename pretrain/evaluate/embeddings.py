"""Patch embeddings of many images, batch by batch."""

from collections.abc import Callable

import torch
from torch import Tensor

BATCH_SIZE = 32


@torch.inference_mode()
def map_in_batches(function: Callable[[Tensor], Tensor], pixels: Tensor, device: torch.device) -> Tensor:
    """`function` of float [b, 3, S, S] in 0..1 over uint8 [N, S, S, 3], gathered on the CPU as float16."""
    gathered = [function(as_input(batch, device)).half().cpu() for batch in torch.split(pixels, BATCH_SIZE)]
    return torch.cat(gathered)


@torch.inference_mode()
def taps_in_batches(
    function: Callable[[Tensor], tuple[Tensor, ...]], pixels: Tensor, device: torch.device
) -> tuple[Tensor, ...]:
    """As `map_in_batches`, of a function that gives several maps."""
    gathered = [
        [part.half().cpu() for part in function(as_input(batch, device))] for batch in torch.split(pixels, BATCH_SIZE)
    ]
    return tuple(torch.cat(parts) for parts in zip(*gathered, strict=True))


def as_input(pixels: Tensor, device: torch.device) -> Tensor:
    """uint8 [B, S, S, 3] to the encoder's input: float [B, 3, S, S] in 0..1, channels last."""
    return pixels.to(device).permute(0, 3, 1, 2).to(memory_format=torch.channels_last).float() / 255
