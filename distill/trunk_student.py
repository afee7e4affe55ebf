"""A student that keeps its teacher's trunk: nothing to mimic, so all of its learning goes into naming flaws.

Where the teacher's encoder is itself small enough for the line, imitation could only lose by it.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn

from pretrain.evaluate.tap_embedder import TapEmbedder, join_taps

_FLAW_WIDTH = 64


class TrunkStudent(nn.Module):
    """Images float [B, 3, H, W] in 0..1 to the teacher's own cells of each tap, and a flaw head beside them."""

    mimics = False

    def __init__(self, teacher: TapEmbedder) -> None:
        super().__init__()
        self.embedder = deepcopy(teacher).eval().requires_grad_(False)
        self.flaw_head = nn.Sequential(
            nn.Conv2d(sum(teacher.widths), _FLAW_WIDTH, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_FLAW_WIDTH, _FLAW_WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_FLAW_WIDTH, 1, 1),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        taps: tuple[Tensor, ...] = self.embedder(images)
        return taps

    def answer(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Cells as `forward` gives them, and the logits of a flaw in each of the finest, [B, h, w]."""
        with torch.no_grad():
            taps = self(images)
        return taps, self.flaw_head(join_taps(taps))[:, 0]

    def train(self, mode: bool = True) -> "TrunkStudent":
        super().train(mode)
        self.embedder.eval()
        return self
