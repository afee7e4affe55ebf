"""The memory banks of all taps as one judge: maps of cells in, one anomaly map out."""

from collections.abc import Sequence

from torch import Tensor, nn

from pretrain.evaluate.nearest_normal import NearestNormal, smooth_map
from pretrain.evaluate.tap_embedder import join_taps


class TapBanks(nn.Module):
    """One bank a tap. Fine taps see small things and coarse ones their surroundings: what they find is added.

    `spreads` [T] is by how much normal images differ in how high their maps rise, tap by tap. It is their common unit:
    a tap that finds peaks in normal images, too, counts for less.
    """

    spreads: Tensor

    def __init__(self, banks: Sequence[NearestNormal], spreads: Tensor) -> None:
        super().__init__()
        self.banks = nn.ModuleList(banks)
        self.register_buffer("spreads", spreads)

    def forward(self, taps: Sequence[Tensor]) -> Tensor:
        """[B, D, h, w] of each tap to the anomaly map [B, h, w] at the resolution of the first.

        The finest tap counts as much as all others together: what only it can see must not drown in theirs.
        """
        maps = [
            smooth_map(bank(cells.permute(0, 2, 3, 1)))[:, None] / spread
            for bank, cells, spread in zip(self.banks, taps, self.spreads.unbind(), strict=True)
        ]
        joined = join_taps(maps)
        return joined.mean(1) if len(maps) == 1 else (joined[:, 0] + joined[:, 1:].mean(1)) / 2
