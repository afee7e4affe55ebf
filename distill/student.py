"""The student: plain convolutions to a patch embedding every 8 pixels, and to a judgement whether a flaw is there."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distill.recipe import StudentRecipe

STRIDE = 8


class Student(nn.Module):
    """Images float [B, 3, H, W] in 0..1 to patch embeddings [B, width, H / 8, W / 8].

    A branch at stride 16 sees the surroundings of a place; it is enlarged and joined with the one at stride 8.
    """

    mimics = True

    def __init__(self, recipe: StudentRecipe) -> None:
        super().__init__()
        first, second, fine, coarse = recipe.widths
        self.stem = nn.Sequential(
            _convolution(3, first, 2), _convolution(first, second, 2), _convolution(second, fine, 2)
        )
        self.fine = nn.Sequential(*(Residual(fine) for _ in range(recipe.blocks)))
        self.coarse = nn.Sequential(_convolution(fine, coarse, 2), *(Residual(coarse) for _ in range(recipe.blocks)))
        self.join = _convolution(fine + coarse, fine, side=1)
        self.head = nn.Conv2d(fine, recipe.embedding_width, 1)
        self.flaw_head = nn.Sequential(nn.Conv2d(fine, fine // 2, 1), nn.ReLU(inplace=True), nn.Conv2d(fine // 2, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.answer(images)[0]

    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings as `forward` gives them, and the logits of a flaw in each cell, [B, H / 8, W / 8]."""
        fine = self.fine(self.stem(images * 2 - 1))
        coarse = F.interpolate(self.coarse(fine), scale_factor=2.0, mode="bilinear", align_corners=False)
        features = self.join(torch.cat([fine, coarse], dim=1))
        return self.head(features), self.flaw_head(features)[:, 0]


class Residual(nn.Module):
    """x + two convolutions of x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            _convolution(width, width), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.inner(x))


def _convolution(inner: int, outer: int, stride: int = 1, *, side: int = 3) -> nn.Sequential:
    filters = nn.Conv2d(inner, outer, side, stride=stride, padding=side // 2, bias=False)
    return nn.Sequential(filters, nn.BatchNorm2d(outer), nn.ReLU(inplace=True))
