"""Published colour weights for an encoder that sees luminance alone.

A grey image is a colour image of three equal channels. To the colour network it gives, tap by tap of the first
convolution, sum over c of W_c (x - mean_c) / deviation_c; with one mean m and deviation d for the grey input that is
W' (x - m) / d + b, where W' = d * sum of W_c / deviation_c and b = sum of W_c (m - mean_c) / deviation_c. So three
channels fold into one at no loss, and b, a constant, into what follows: only at the rim of the image, where the
convolution reads its padding, b is a little off. It is 0 where published weights expect the same of every channel.
"""

from typing import cast

import torch
from torch import Tensor, nn


def fold_colour(weight: Tensor, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    """W [O, 3, k, k] with the mean and deviation it expects, [3] each, to W' [O, 1, k, k] and b [O].

    The grey input's own mean and deviation are the means of those three.
    """
    scaled = weight / deviation.view(1, 3, 1, 1)
    offset = (scaled * (mean.mean() - mean).view(1, 3, 1, 1)).sum(dim=(1, 2, 3))
    return scaled.sum(1, keepdim=True) * deviation.mean(), offset


def first_convolution(backbone: nn.Module) -> str:
    """The name of the convolution that meets the image."""
    names: list[str] = [name for name, part in backbone.named_modules() if isinstance(part, nn.Conv2d)]
    return names[0]


@torch.no_grad()
def take_offset(backbone: nn.Module, offset: Tensor) -> None:
    """Add b [O] to what the first convolution gives: in its bias, or in the statistics of the BatchNorm behind it."""
    parts = [part for part in backbone.modules() if isinstance(part, nn.Conv2d | nn.BatchNorm2d)]
    convolution = cast(nn.Conv2d, parts[0])
    if convolution.bias is not None:
        convolution.bias.add_(offset)
    elif isinstance(parts[1], nn.BatchNorm2d) and parts[1].running_mean is not None:
        parts[1].running_mean.sub_(offset)
