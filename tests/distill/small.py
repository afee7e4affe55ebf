"""A student small enough to teach in a test."""

from __future__ import annotations

import torch
from torch import Tensor

from distill.recipe import BankRecipe, DistillRecipe, LearningRecipe, StudentRecipe
from distill.scoring_graph import Scales, ScoringGraph
from distill.student import Student
from pretrain.evaluate.nearest_normal import NearestNormal
from tests.pretrain.washers import washer

SIDE_PX = 64
DISTILL_TOML = """
name = "small-test"
[student]
widths = [8, 8, 12, 12]
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
    student=StudentRecipe(widths=(8, 8, 12, 12), embedding_width=16),
    learning=LearningRecipe(batch_size=8, crop_px=64, steps=12),
    bank=BankRecipe(size=64),
)


def washer_pixels(count: int, first: int = 0, *, flaw: bool = False) -> Tensor:
    """uint8 [N, 64, 64, 3]."""
    return torch.stack([torch.from_numpy(washer(seed, flaw=flaw)) for seed in range(first, first + count)])


def random_student(seed: int = 0) -> Student:
    """A student that has learnt nothing, in evaluation mode, whose embeddings are spread as a taught one's."""
    torch.manual_seed(seed)
    student = Student(DISTILL_RECIPE.student)
    images = washer_pixels(8).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        student.train()(images)
        # Embeddings around zero and of deviation 1, as a teacher's targets are.
        answers = student.eval()(images)
        student.head.weight /= answers.std()
        assert student.head.bias is not None
        student.head.bias.copy_((student.head.bias - answers.mean(dim=(0, 2, 3))) / answers.std())
    return student


def random_graph(seed: int = 0, neighbours: int = 1, scales: Scales | None = None) -> ScoringGraph:
    """A random student with a memory bank of some of its own embeddings."""
    student = random_student(seed)
    with torch.no_grad():
        cells = student(washer_pixels(6).permute(0, 3, 1, 2).float() / 255).permute(0, 2, 3, 1).flatten(0, 2)
    return ScoringGraph(student, NearestNormal(cells[::7].clone(), neighbours), scales).eval()
