"""Luminance: what a grey camera would have seen."""

from torch import Tensor

_SHARES = (0.299, 0.587, 0.114)
"""Of R, G and B (ITU-R BT.601)."""


def luminance(pixels: Tensor) -> Tensor:
    """Float [B, 3, H, W] to [B, 1, H, W]; what has one channel already comes back as it is."""
    if pixels.shape[1] == 1:
        return pixels
    return (pixels * pixels.new_tensor(_SHARES).view(1, 3, 1, 1)).sum(1, keepdim=True)
