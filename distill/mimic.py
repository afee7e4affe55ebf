"""Teaching: the student learns to give the teacher's embeddings, on clean images and on their flawed copies.

Without flawed copies a student is free to answer anything off the normal manifold; with them it sees there what its
teacher sees. Since the flaws' places are known, the student also learns to name them: its flaw head.
"""

import math
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.recipe import LearningRecipe
from distill.student import Student
from distill.trunk_student import TrunkStudent
from inspection.errors import TrainingError
from inspection.terminal import progress_bar
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.tap_embedder import TapEmbedder
from pretrain.flaws import add_flaws
from pretrain.losses.flaw_contrast import changed_cells
from pretrain.training.schedule import Progress, Schedule

_WARM_UP = 0.05
_FLAWED_CELL_WEIGHT = 4.0


@dataclass(frozen=True)
class Fidelity:
    """How near the student came, over the last tenth of steps.

    `mimic_loss` is in squared deviations of the teacher's embeddings, `flaw_loss` a cross-entropy."""

    mimic_loss: float
    flaw_loss: float
    steps: int
    elapsed_s: float


def teach(
    student: Student | TrunkStudent,
    teacher: TapEmbedder,
    pixels: Tensor,
    recipe: LearningRecipe,
    minutes: float | None,
    seed: int,
) -> Fidelity:
    """Train `student` on uint8 [N, S, S, 3]. Raises TrainingError where the loss is no number."""
    generator = torch.Generator().manual_seed(seed)
    learning = [weight for weight in student.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule, progress = Schedule(recipe.steps, minutes, _WARM_UP), Progress()
    recent: list[tuple[float, float]] = []
    student.train()
    with progress_bar("distilling", 1.0) as advance:
        while (done := schedule.share_done(progress)) < 1:
            began = time.monotonic()
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * schedule.rate_factor(progress)
            images, changed = _draw(pixels, recipe, teacher.typical.device, generator)
            mimic, flaw = _losses(student, teacher, images, changed, half=recipe.precision == "bfloat16")
            optimiser.zero_grad(set_to_none=True)
            (mimic + recipe.flaw_weight * flaw).backward()
            optimiser.step()
            recent.append((mimic.item(), flaw.item()))
            if not math.isfinite(sum(recent[-1])):
                raise TrainingError(
                    f"distillation step {progress.step}: loss is not finite", "lower learning.learning_rate"
                )
            progress.step += 1
            progress.elapsed_s += time.monotonic() - began
            advance(
                schedule.share_done(progress) - done,
                note=f"step {progress.step}  mimic {recent[-1][0]:.3f}  flaw {recent[-1][1]:.3f}",
            )
    student.eval()
    last = recent[-max(len(recent) // 10, 1) :]
    mimic_loss, flaw_loss = (sum(values) / len(values) for values in zip(*last, strict=True))
    return Fidelity(mimic_loss, flaw_loss, progress.step, progress.elapsed_s)


def _draw(
    pixels: Tensor, recipe: LearningRecipe, device: torch.device, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Random crops, some flipped, part of them flawed: float [B, 3, C, C] in 0..1, and their changed pixels."""
    side = min(recipe.crop_px, pixels.shape[1])
    chosen = torch.randint(len(pixels), (recipe.batch_size,), generator=generator).tolist()
    corners = torch.randint(pixels.shape[1] - side + 1, (recipe.batch_size, 2), generator=generator).tolist()
    crops = [pixels[i, y : y + side, x : x + side] for i, (y, x) in zip(chosen, corners, strict=True)]
    images = as_input(torch.stack(crops), device)
    if torch.rand((), generator=generator) < 0.5:
        images = images.flip(3)
    changed = torch.zeros(len(images), side, side, dtype=torch.bool, device=device)
    flawed_count = round(recipe.flawed_share * len(images))
    if flawed_count:
        flawed = add_flaws(images[:flawed_count], generator)
        images = torch.cat([flawed.pixels, images[flawed_count:]])
        changed[:flawed_count] = flawed.changed
    return images, changed


def _losses(
    student: Student | TrunkStudent, teacher: TapEmbedder, images: Tensor, changed: Tensor, *, half: bool
) -> tuple[Tensor, Tensor]:
    with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
        answers, logits = student.answer(images)
        with torch.no_grad():
            targets = teacher(images) if student.mimics else answers
    cells = changed_cells(changed, *logits.shape[-2:])
    losses = [_mimic_loss(answer.float(), target.float()) for answer, target in zip(answers, targets, strict=True)]
    return torch.stack(losses).mean(), _flaw_loss(logits.float(), cells)


def _flaw_loss(logits: Tensor, cells: Tensor) -> Tensor:
    # Flawed cells are few: weighted, they are not drowned by the clean ones.
    return F.binary_cross_entropy_with_logits(logits, cells.float(), pos_weight=logits.new_tensor(_FLAWED_CELL_WEIGHT))


def _mimic_loss(answers: Tensor, targets: Tensor) -> Tensor:
    """Of one tap, in squares of its deviation."""
    squares = (answers - targets).square().mean(1)
    # The hardest tenth counts double: flaws are rare among cells, and the average would drown them.
    hardest = squares.flatten().topk(max(squares.numel() // 10, 1)).values
    loss: Tensor = squares.mean() + hardest.mean() * 0.1
    return loss
