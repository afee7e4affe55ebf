"""The memory banks of all taps as one judge: maps of cells in, one anomaly map out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pretrain.evaluate.nearest_normal import NearestNormal, smooth_map, view_level
from pretrain.evaluate.tap_embedder import join_taps

FINEST_SHARE = 0.5
"""What only the finest tap can see must not drown in what all others find."""
_USUAL = 0.95


class TapBanks(nn.Module):
    """One bank a tap. Fine taps see small things and coarse ones their surroundings: what they find is added.

    `spreads` [T] is by how much normal images differ in how high their maps rise, tap by tap. It is their common unit:
    a tap that finds peaks in normal images, too, counts for less. `weights` [T], of sum 1, is how much each then
    counts. `usual_level` [] is the level that nearly all normal views keep below: what goes beyond is light.
    """

    spreads: Tensor
    weights: Tensor
    usual_level: Tensor

    def __init__(self, banks: Sequence[NearestNormal], spreads: Tensor) -> None:
        super().__init__()
        self.banks = nn.ModuleList(banks)
        self.register_buffer("spreads", spreads)
        self.register_buffer("weights", tap_weights(len(banks), FINEST_SHARE).to(spreads))
        self.register_buffer("usual_level", torch.zeros_like(spreads[0]))

    def forward(self, taps: Sequence[Tensor]) -> Tensor:
        """[B, D, h, w] of each tap to the anomaly map [B, h, w] at the resolution of the first."""
        return self.join(self.tap_maps(taps))

    def tap_maps(self, taps: Sequence[Tensor]) -> Tensor:
        """[B, D, h, w] of each tap to a map of each in its own unit, [B, T, h, w] at the resolution of the first."""
        return self.in_units(
            [smooth_map(bank(cells.permute(0, 2, 3, 1))) for bank, cells in zip(self.banks, taps, strict=True)]
        )

    def in_units(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps [B, h, w] of the taps, each at its own resolution, as `tap_maps` gives them."""
        return join_taps([one[:, None] / spread for one, spread in zip(maps, self.spreads.unbind(), strict=True)])

    def join(self, maps: Tensor) -> Tensor:
        """Maps of the taps [B, T, h, w] to the anomaly map [B, h, w]."""
        return (maps * self.weights[:, None, None]).sum(1)

    def weigh(self, weights: Tensor, of_normal: Tensor) -> None:
        """Let the taps count so, and learn the usual level from normal images' maps, [N, T, h, w]."""
        self.weights.copy_(weights)
        self.usual_level.copy_(usual_level_of(view_level(self.join(of_normal))))


def usual_level_of(levels: Tensor) -> Tensor:
    """The level [] that nearly all of the normal views' levels [N] keep below."""
    return levels.quantile(_USUAL)


def tap_weights(count: int, finest_share: float) -> Tensor:
    """[count] of sum 1: the finest tap, which is the first, has its share, and the others the rest alike."""
    if count == 1:
        return torch.ones(1)
    return torch.tensor([finest_share, *[(1 - finest_share) / (count - 1)] * (count - 1)])
