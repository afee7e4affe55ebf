"""A student that keeps its teacher's trunk: nothing to mimic, so all of its learning goes into naming flaws.

Where the teacher's encoder is itself small enough for the line, imitation could only lose by it.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn

from distill.teacher import Teacher

_FLAW_WIDTH = 64


class TrunkStudent(nn.Module):
    """Images float [B, 3, H, W] in 0..1 to the teacher's own targets [B, width, h, w], and a flaw head beside them."""

    mimics = False

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.encoder = deepcopy(teacher.encoder).eval().requires_grad_(False)
        inner = self.encoder.width
        self.head = nn.Conv2d(inner, teacher.width, 1).requires_grad_(False)
        with torch.no_grad():
            # The teacher's centring, components and scale are one linear map.
            weight = teacher.components / teacher.deviation
            self.head.weight.copy_(weight[:, :, None, None])
            self.head.bias.copy_(-weight @ teacher.centre)  # type: ignore[union-attr]
        self.flaw_head = nn.Sequential(
            nn.Conv2d(inner, _FLAW_WIDTH, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_FLAW_WIDTH, _FLAW_WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_FLAW_WIDTH, 1, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.answer(images)[0]

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings as `forward` gives them, and the logits of a flaw in each cell, [B, h, w]."""
        with torch.no_grad():
            features = self.encoder.patch_embeddings(images)
        return self.head(features), self.flaw_head(features)[:, 0]

    def train(self, mode: bool = True) -> "TrunkStudent":
        super().train(mode)
        self.encoder.eval()
        return self
