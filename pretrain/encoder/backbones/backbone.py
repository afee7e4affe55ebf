"""What an encoder gets to know of its backbone."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Backbone:
    """`network` takes normalised images [B, C, H, W] and gives a list of feature maps, finest first."""

    network: nn.Module
    widths: dict[int, int]
    """Channels of each of these maps by its stride, in the same order."""
    mean: tuple[float, ...]
    """What published weights of this backbone expect of their input, channel by channel of R, G, B in 0..1."""
    deviation: tuple[float, ...]
