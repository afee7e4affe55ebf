"""A student small enough to teach in a test."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from distill.recipe import BankRecipe, DistillRecipe, LearningRecipe, StudentRecipe
from distill.scoring_graph import Scales, ScoringGraph
from distill.student import Student
from pretrain.evaluate.nearest_normal import NearestNormal
from pretrain.evaluate.tap_banks import TapBanks
from tests.pretrain.washers import washer

SIDE_PX = 64
DISTILL_TOML = """
name = "small-test"
[student]
widths = [8, 8, 12, 12, 16]
embedding_width = 16
[learning]
batch_size = 8
crop_px = 64
steps = 12
[bank]
size = 64
"""
DISTILL_RECIPE = DistillRecipe(
    name="small-test",
    student=StudentRecipe(widths=(8, 8, 12, 12, 16), embedding_width=16),
    learning=LearningRecipe(batch_size=8, crop_px=64, steps=12),
    bank=BankRecipe(size=64),
)


def washer_pixels(count: int, first: int = 0, *, flaw: bool = False) -> Tensor:
    """uint8 [N, 64, 64, 3]."""
    return torch.stack([torch.from_numpy(washer(seed, flaw=flaw)) for seed in range(first, first + count)])


STRIDES, WIDTHS = (8, 16), (16, 16, 16)


def random_student(seed: int = 0) -> Student:
    """A student that has learnt nothing, in evaluation mode, whose cells are spread as a taught one's."""
    torch.manual_seed(seed)
    student = Student(DISTILL_RECIPE.student, STRIDES, WIDTHS)
    images = washer_pixels(8).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        student.train()(images)
        for head, answers in zip(student.heads, student.eval()(images), strict=True):
            assert isinstance(head, nn.Conv2d)
            assert head.bias is not None
            head.bias.copy_((head.bias - answers.mean(dim=(0, 2, 3))) / answers.std())
            head.weight /= answers.std()
    return student


def random_graph(seed: int = 0, neighbours: int = 1, scales: Scales | None = None) -> ScoringGraph:
    """A random student with memory banks of some of its own cells."""
    student = random_student(seed)
    with torch.no_grad():
        taps = student(washer_pixels(6).permute(0, 3, 1, 2).float() / 255)
    return ScoringGraph(student, banks_of(taps, neighbours), scales).eval()


def banks_of(taps: Sequence[Tensor], neighbours: int = 1) -> TapBanks:
    """Banks of every seventh cell."""
    rows = [maps.permute(0, 2, 3, 1).flatten(0, 2)[::7].clone() for maps in taps]
    generator = torch.Generator().manual_seed(0)
    banks = [NearestNormal(one, neighbours, torch.rand(len(one), generator=generator)) for one in rows]
    return TapBanks(banks, torch.linspace(1, 2, len(rows)))
