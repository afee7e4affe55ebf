"""Teaching: the student learns to give the teacher's embeddings, on clean images and on their flawed copies.

Without flawed copies a student is free to answer anything off the normal manifold; with them it sees there what its
teacher sees.
"""

import math
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.recipe import LearningRecipe
from distill.student import Student
from distill.teacher import Teacher
from inspection.errors import TrainingError
from inspection.terminal import progress_bar
from pretrain.evaluate.embeddings import as_input
from pretrain.flaws import add_flaws
from pretrain.schedule import Progress, Schedule

_WARM_UP = 0.05


@dataclass(frozen=True)
class Fidelity:
    """How near the student came: mean squared difference to targets of unit variance, over the last tenth of steps."""

    mimic_loss: float
    steps: int
    elapsed_s: float


def teach(
    student: Student, teacher: Teacher, pixels: Tensor, recipe: LearningRecipe, minutes: float | None, seed: int
) -> Fidelity:
    """Train `student` on uint8 [N, S, S, 3]. Raises TrainingError where the loss is no number."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(student.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule, progress = Schedule(recipe.steps, minutes, _WARM_UP), Progress()
    recent: list[float] = []
    student.train()
    with progress_bar("distilling", 1.0) as advance:
        while (done := schedule.share_done(progress)) < 1:
            began = time.monotonic()
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * schedule.rate_factor(progress)
            images = _draw(pixels, recipe, teacher.centre.device, generator)
            loss = _mimic_loss(student, teacher, images, half=recipe.precision == "bfloat16")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            recent.append(loss.item())
            if not math.isfinite(recent[-1]):
                raise TrainingError(
                    f"distillation step {progress.step}: loss is not finite", "lower learning.learning_rate"
                )
            progress.step += 1
            progress.elapsed_s += time.monotonic() - began
            advance(schedule.share_done(progress) - done, note=f"step {progress.step}  loss {recent[-1]:.3f}")
    student.eval()
    last = recent[-max(len(recent) // 10, 1) :]
    return Fidelity(sum(last) / len(last), progress.step, progress.elapsed_s)


def _draw(pixels: Tensor, recipe: LearningRecipe, device: torch.device, generator: torch.Generator) -> Tensor:
    """A batch of random crops, some flipped, part of them flawed: float [B, 3, C, C] in 0..1."""
    side = min(recipe.crop_px, pixels.shape[1])
    chosen = torch.randint(len(pixels), (recipe.batch_size,), generator=generator).tolist()
    corners = torch.randint(pixels.shape[1] - side + 1, (recipe.batch_size, 2), generator=generator).tolist()
    crops = [pixels[i, y : y + side, x : x + side] for i, (y, x) in zip(chosen, corners, strict=True)]
    images = as_input(torch.stack(crops), device)
    if torch.rand((), generator=generator) < 0.5:
        images = images.flip(3)
    flawed_count = round(recipe.flawed_share * len(images))
    if flawed_count:
        images = torch.cat([add_flaws(images[:flawed_count], generator).pixels, images[flawed_count:]])
    return images


def _mimic_loss(student: Student, teacher: Teacher, images: Tensor, *, half: bool) -> Tensor:
    with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
        with torch.no_grad():
            targets = teacher(images)
        answers = student(images)
    targets, answers = targets.float(), answers.float()
    if targets.shape[-2:] != answers.shape[-2:]:
        # The teacher is tapped at another stride than the student's.
        targets = F.interpolate(targets, answers.shape[-2:], mode="bilinear", antialias=True)
    squares = (answers - targets).square().mean(1)
    # The hardest tenth counts double: flaws are rare among cells, and the average would drown them.
    hardest = squares.flatten().topk(max(squares.numel() // 10, 1)).values
    loss: Tensor = squares.mean() + hardest.mean() * 0.1
    return loss
