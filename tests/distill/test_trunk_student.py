"""A student on its teacher's trunk: the same embeddings, and only the flaw head learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from distill.build import BuildRequest, build
from distill.export import export_onnx
from distill.mimic import teach
from distill.recipe import LearningRecipe, load_recipe
from distill.scoring_graph import Scales, ScoringGraph
from distill.trunk_student import TrunkStudent
from inspection.bundle.reader import open_bundle
from tests.distill.conftest import Built
from tests.distill.small import SIDE_PX, banks_of, washer_pixels
from tests.distill.test_mimic import teacher

PIXELS = washer_pixels(12)


def trunk_student() -> TrunkStudent:
    torch.manual_seed(0)
    master = teacher()
    master.fit(PIXELS, torch.Generator().manual_seed(0))
    return TrunkStudent(master)


@torch.no_grad()
def test_its_embeddings_are_the_teachers() -> None:
    master = teacher()
    master.fit(PIXELS, torch.Generator().manual_seed(0))
    images = torch.rand(2, 3, 64, 64)
    for own, expected in zip(TrunkStudent(master).eval()(images), master(images), strict=True):
        assert torch.equal(own, expected)


def test_only_the_flaw_head_learns() -> None:
    student = trunk_student()
    before = {name: value.clone() for name, value in student.state_dict().items()}
    recipe = LearningRecipe(batch_size=8, crop_px=64, steps=12, precision="float32")
    fidelity = teach(student, teacher(), PIXELS, recipe, None, 0)
    moved = {name for name, value in student.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert {name.split(".")[0] for name in moved} == {"flaw_head"}
    assert fidelity.mimic_loss == 0
    assert fidelity.steps == 12


def test_it_leaves_its_teacher_alone() -> None:
    master = teacher()
    student = TrunkStudent(master)
    assert not {id(weight) for weight in student.parameters()} & {id(weight) for weight in master.parameters()}


def test_it_learns_to_name_flaws() -> None:
    student = trunk_student()
    losses = [
        teach(student, teacher(), PIXELS, LearningRecipe(batch_size=8, crop_px=64, steps=steps), None, 0).flaw_loss
        for steps in (1, 60)
    ]
    assert losses[1] < 0.9 * losses[0]


def test_it_exports(tmp_path: Path) -> None:
    student = trunk_student().eval()
    with torch.no_grad():
        taps = student(PIXELS.permute(0, 3, 1, 2).float() / 255)
    graph = ScoringGraph(student, banks_of(taps), Scales(1.0, 1.0)).eval()
    with torch.no_grad():
        expected = graph(PIXELS[:3])
    export_onnx(graph, tmp_path / "student.onnx", SIDE_PX)
    session = ort.InferenceSession(tmp_path / "student.onnx", providers=["CPUExecutionProvider"])
    got = session.run(None, {session.get_inputs()[0].name: PIXELS[:3].numpy()})
    assert np.allclose(got[1], expected[1].numpy(), atol=1e-3)


def test_a_bundle_of_it_learns_nothing_and_scores_as_its_teacher(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = load_recipe("base")
    recipe = recipe.model_copy(update={"bank": recipe.bank.model_copy(update={"size": 64})})
    manifest = build(BuildRequest(recipe, built.teacher, built.images, tmp_path / "bundle"))
    assert "distilling" not in capsys.readouterr().err
    metrics = manifest.metrics
    assert metrics["student"]["synthetic_flaw_auroc"] == pytest.approx(metrics["teacher"]["synthetic_flaw_auroc"])
    # An image that set a limit lies on it, where rounding decides.
    assert (metrics["student"]["verdict_flip_count"] or 0) <= 1
    assert open_bundle(tmp_path / "bundle").manifest == manifest
