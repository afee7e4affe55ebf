"""Teaching: the student comes nearer to its teacher, also where the surface is flawed."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from distill.mimic import teach
from distill.recipe import LearningRecipe, StudentRecipe
from distill.student import Student
from inspection.calibration.metrics import image_auroc
from inspection.errors import ConfigError, TrainingError
from pretrain.encoder.encoder import Encoder
from pretrain.evaluate.embeddings import as_input
from pretrain.evaluate.tap_embedder import TapEmbedder
from pretrain.flaws import Flawed, add_flaws
from pretrain.losses.flaw_contrast import changed_cells
from tests.distill.small import DISTILL_RECIPE, washer_pixels
from tests.pretrain.tiny import tiny_recipe

PIXELS = washer_pixels(16)


def teacher(taps: tuple[int, ...] = (8, 16)) -> TapEmbedder:
    torch.manual_seed(0)
    made = TapEmbedder(Encoder(tiny_recipe(encoder={"taps": taps}).encoder), 16)
    made.fit(PIXELS, torch.Generator().manual_seed(0))
    return made


def student() -> Student:
    return student_of(teacher())


def student_of(master: TapEmbedder) -> Student:
    torch.manual_seed(1)
    return Student(DISTILL_RECIPE.student, master.strides, master.widths)


def learning(**values: object) -> LearningRecipe:
    return LearningRecipe.model_validate({**DISTILL_RECIPE.learning.model_dump(), **values})


@torch.no_grad()
def gap(pupil: Student, master: TapEmbedder, *, flawed: bool) -> float:
    images = as_input(washer_pixels(8, first=200), torch.device("cpu"))
    if flawed:
        images = add_flaws(images, torch.Generator().manual_seed(0)).pixels
    squares = [
        (answers - targets).square().mean()
        for answers, targets in zip(pupil.eval()(images), master(images), strict=True)
    ]
    return float(torch.stack(squares).mean())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_taught_student_is_nearer_to_its_teacher_on_clean_and_on_flawed_images(precision: str) -> None:
    pupil, master = student(), teacher()
    before = {flawed: gap(pupil, master, flawed=flawed) for flawed in (False, True)}
    fidelity = teach(pupil, master, PIXELS, learning(steps=40, precision=precision), None, 0)
    after = {flawed: gap(pupil, master, flawed=flawed) for flawed in (False, True)}
    assert after[False] < 0.9 * before[False]
    assert after[True] < 0.95 * before[True]
    assert fidelity.steps == 40
    assert fidelity.mimic_loss < 1.2
    assert not pupil.training


@torch.no_grad()
def told_flaws(pupil: Student) -> float:
    """AUROC of changed cells against all others by the student's flaw head."""
    images = as_input(washer_pixels(32, first=300), torch.device("cpu"))
    flawed = add_flaws(images, torch.Generator().manual_seed(1))
    logits = pupil.eval().answer(flawed.pixels)[1]
    cells = changed_cells(flawed.changed, *logits.shape[-2:])
    return image_auroc(logits.flatten().numpy(), cells.flatten().numpy()) or 0.0


def test_a_taught_student_tells_where_flaws_are() -> None:
    pupil = student()
    assert told_flaws(pupil) < 0.7
    keen = learning(steps=200, learning_rate=1e-2, flaw_weight=5, flawed_share=1)
    fidelity = teach(pupil, teacher(), PIXELS, keen, None, 0)
    assert told_flaws(pupil) > 0.7
    assert 0 < fidelity.flaw_loss < 0.5
    # Not where the recipe asks for mimicking alone.
    other = student()
    before = [weight.clone() for weight in other.flaw_head.parameters()]
    plain = learning(steps=2, flaw_weight=0, weight_decay=0)
    teach(other, teacher(), PIXELS, plain, None, 0)
    assert all(torch.equal(one, two) for one, two in zip(before, other.flaw_head.parameters(), strict=True))


def test_the_teacher_is_not_taught() -> None:
    pupil, master = student(), teacher()
    before = {name: value.clone() for name, value in master.state_dict().items()}
    teach(pupil, master, PIXELS, learning(steps=3), None, 0)
    assert all(torch.equal(value, before[name]) for name, value in master.state_dict().items())


def test_teaching_follows_from_its_seed() -> None:
    pupils = [student() for _ in range(3)]
    for pupil, seed in zip(pupils, (1, 1, 2), strict=True):
        teach(pupil, teacher(), PIXELS, learning(steps=3), None, seed)
    first, again, other = (pupil.heads[0].weight for pupil in pupils)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("taps", [(4, 8), (16,), (8, 16, 32)])
def test_a_teacher_tapped_at_other_strides_is_mimicked_too(taps: tuple[int, ...]) -> None:
    master = teacher(taps)
    assert teach(student_of(master), master, PIXELS, learning(steps=2), None, 0).steps == 2


def test_a_stride_that_no_stage_has_is_told() -> None:
    with pytest.raises(ConfigError, match=r"student\.widths: no stage of stride 1, at which the teacher is tapped"):
        Student(DISTILL_RECIPE.student, (1, 8), (4, 4, 4))


def test_crops_are_never_larger_than_the_images() -> None:
    assert teach(student(), teacher(), PIXELS, learning(steps=2, crop_px=256), None, 0).steps == 2
    assert teach(student(), teacher(), PIXELS, learning(steps=2, crop_px=32, flawed_share=0), None, 0).steps == 2


@pytest.mark.parametrize(("share", "expected"), [(0.0, set()), (0.5, {4}), (1.0, {8})])
def test_the_recipes_share_of_every_batch_is_flawed(
    share: float, expected: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = set()

    def counted(images: torch.Tensor, generator: torch.Generator) -> Flawed:
        counts.add(len(images))
        return add_flaws(images, generator)

    monkeypatch.setattr("distill.mimic.add_flaws", counted)
    teach(student(), teacher(), PIXELS, learning(steps=3, flawed_share=share), None, 0)
    assert counts == expected


def test_minutes_end_the_teaching() -> None:
    fidelity = teach(student(), teacher(), PIXELS, learning(steps=10**9), 0.003, 0)
    assert fidelity.elapsed_s >= 0.18
    assert fidelity.steps >= 1


def test_a_loss_that_is_no_number_is_one_line() -> None:
    master = teacher()
    master.deviations.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"distillation step 0: loss is not finite: lower learning\.learning_rate"):
        teach(student(), master, PIXELS, learning(steps=2), None, 0)


@pytest.mark.parametrize("blocks", [1, 2])
@torch.no_grad()
def test_a_student_gives_the_cells_of_every_tap(blocks: int) -> None:
    recipe = StudentRecipe(widths=(8, 8, 12, 16, 20), blocks=blocks)
    pupil = Student(recipe, (8, 32), (24, 6, 10)).eval()
    for side in (32, 64, 96):
        images = torch.rand(2, 3, side, side)
        fine, coarse, afar = pupil(images)
        assert fine.shape == (2, 24, side // 8, side // 8)
        assert coarse.shape == (2, 6, side // 32, side // 32)
        assert afar.shape == (2, 10, -(-side // 64), -(-side // 64))
        # The second look knows no more than half the resolution.
        blurred = F.interpolate(F.avg_pool2d(images, 2), scale_factor=2)
        assert torch.allclose(pupil(blurred)[2], afar, atol=1e-5)
