"""The student: plain convolutions that give the cells of its teacher's taps, and judge whether a flaw is there."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from distill.recipe import STUDENT_STRIDES, StudentRecipe
from inspection.errors import ConfigError
from pretrain.evaluate.tap_embedder import halved, join_taps


class Student(nn.Module):
    """Images float [B, 3, H, W] in 0..1 to the cells of the teacher's taps and of its second look, [B, D, h, w].

    `strides` are those of the taps, and `widths` has one more: of the coarsest tap at half size. Raises ConfigError for
    a stride that it does not reach.
    """

    mimics = True

    def __init__(self, recipe: StudentRecipe, strides: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        if missing := sorted(set(strides) - set(STUDENT_STRIDES)):
            raise ConfigError(
                f"student.widths: no stage of stride {missing[0]}, at which the teacher is tapped",
                f"choose encoder.taps from {', '.join(map(str, STUDENT_STRIDES))}, or student.body = 'trunk'",
            )
        self._strides = tuple(strides)
        self.stages = nn.ModuleList()
        self._tapped: list[bool] = []
        before = 3
        for stride, width in zip(STUDENT_STRIDES, recipe.widths, strict=True):
            tapped = stride in strides
            blocks = [Residual(width) for _ in range(recipe.blocks if tapped else 0)]
            self.stages.append(nn.Sequential(_convolution(before, width, 2), *blocks))
            self._tapped.append(tapped)
            before = width
            if stride == max(strides):
                break
        own = [width for stride, width in zip(STUDENT_STRIDES, recipe.widths, strict=True) if stride in strides]
        heads = zip((*own, own[-1]), widths, strict=True)
        self.heads = nn.ModuleList(nn.Conv2d(inner, outer, 1) for inner, outer in heads)
        self.flaw_head = nn.Sequential(
            _convolution(sum(own), own[0], side=1),
            nn.Conv2d(own[0], own[0] // 2, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(own[0] // 2, 1, 1),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return self._cells(images, self._features(images))

    def answer(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Cells as `forward` gives them, and the logits of a flaw in each of the finest, [B, h, w]."""
        features = self._features(images)
        return self._cells(images, features), self.flaw_head(join_taps(features))[:, 0]

    def _features(self, images: Tensor) -> tuple[Tensor, ...]:
        features, found = images * 2 - 1, []
        for stage, tapped in zip(self.stages, self._tapped, strict=True):
            features = stage(features)
            if tapped:
                found.append(features)
        return tuple(found)

    def _cells(self, images: Tensor, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen = (*features, self._features(halved(images))[-1])
        return tuple(head(maps) for head, maps in zip(self.heads, seen, strict=True))


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
