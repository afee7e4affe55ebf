"""The benchmark measures what it says: the student's own convolutions, one process's own memory, all in turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

import distill.bench.benchmark
import distill.bench.tiny_build
import distill.bench.torch_forms
import distill.quantise
from distill.__main__ import app
from distill.bench.bare_convolutions import export_floor
from distill.bench.lone_process import peak_memory_mb
from distill.bench.peer_networks import PatchDescription, WideResNetToLayer3
from distill.bench.subjects import Subject, open_subject
from distill.bench.torch_forms import save_torch
from distill.export import export_onnx
from distill.stages import score_in_torch
from inspection.errors import TrainingError
from inspection.scoring.session import Scores
from tests.distill.conftest import Built
from tests.distill.small import DISTILL_TOML, SIDE_PX, random_graph, washer_pixels
from tests.pretrain.command_line import call
from tests.pretrain.tiny import RECIPE_TOML

KEYS = {
    "student_ms", "int8_ms", "teacher_ms", "efficientad_s_ms", "patchcore_wrn50_ms", "speedup_over_teacher",
    "speedup_over_efficientad_s", "peak_rss_mb", "bundle_mb",
}  # fmt: skip


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "student.onnx"
    export_onnx(random_graph(), path, SIDE_PX)
    return path


def test_the_floor_is_the_students_convolutions_on_inputs_of_their_size(student: Path, tmp_path: Path) -> None:
    floor = export_floor(student, tmp_path, SIDE_PX)
    own = [node for node in onnx.load(str(student)).graph.node if node.op_type == "Conv"]
    bare = onnx.load(str(floor.file)).graph
    assert [node.op_type for node in bare.node] == ["Conv"] * len(own)
    session = ort.InferenceSession(str(floor.file), providers=["CPUExecutionProvider"])
    # The stem halves 64 px three times.
    sides = [one.shape[2] for one in session.get_inputs()]
    assert sides[:3] == [64, 32, 16]
    assert open_subject(floor, 1)(washer_pixels(2).numpy()) is not None


def test_a_torch_form_scores_from_its_file_as_it_did(tmp_path: Path) -> None:
    graph = random_graph()
    save_torch(graph, tmp_path / "student.pt2", SIDE_PX)
    call_it = open_subject(Subject("student_torch", tmp_path / "student.pt2", in_torch=True), 1)
    for count in (1, 3):
        pixels = washer_pixels(count)
        answer = call_it(pixels.numpy())
        assert isinstance(answer, tuple)
        expected: Scores = score_in_torch(graph, pixels)
        assert np.allclose(answer[1], expected.local_score, atol=1e-4)


def test_memory_is_of_a_process_of_its_own(student: Path, tmp_path: Path) -> None:
    hog = np.ones(60_000_000)
    peak = peak_memory_mb(Subject("student", student), SIDE_PX, 2, 1)
    # ONNX Runtime and numpy are in it; torch, and what this process holds, are not.
    assert 30 < peak < hog.nbytes / 1e6
    (tmp_path / "none.onnx").write_bytes(b"")
    with pytest.raises(TrainingError, match="student: its process failed"):
        peak_memory_mb(Subject("student", tmp_path / "none.onnx"), SIDE_PX, 2, 1)


def test_the_peers_networks_have_the_published_shapes() -> None:
    patches = PatchDescription().eval()
    wide = WideResNetToLayer3().eval()
    with torch.inference_mode():
        assert patches(torch.zeros(1, 3, 256, 256)).shape == (1, 384, 64, 64)
        assert [tuple(one.shape) for one in wide(torch.zeros(1, 3, 64, 64))] == [(1, 512, 8, 8), (1, 1024, 4, 4)]
    # Table 6 of the paper: sides of kernels, and channels from one to the next.
    sides, widths = (4, 4, 3, 4), (3, 128, 256, 256, 384)
    expected = sum(side**2 * a * b + b for side, a, b in zip(sides, widths, widths[1:], strict=False))
    assert sum(weights.numel() for weights in patches.parameters()) == expected


def test_the_command_ends_with_the_figures(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE_TOML, encoding="utf-8")
    (tmp_path / "small.toml").write_text(DISTILL_TOML, encoding="utf-8")
    for name in ("COLD_RECIPE", "WARM_RECIPE"):
        monkeypatch.setattr(distill.bench.tiny_build, name, str(tmp_path / "tiny.toml"))
    monkeypatch.setattr(distill.bench.tiny_build, "DEFAULT_RECIPE", str(tmp_path / "small.toml"))
    monkeypatch.setattr(distill.bench.benchmark, "peak_memory_mb", lambda *_: 123.4)
    monkeypatch.setattr(distill.bench.torch_forms, "WideResNetToLayer3", PatchDescription)
    monkeypatch.setattr(distill.quantise, "_TIMED_S", 0.0)
    answer = call(app, capsys, monkeypatch, "bench", "--bundle", built.bundle, "--seconds", "0.1", "--threads", "1")
    assert answer.status == 0, answer.err
    assert set(answer.figures) >= KEYS
    assert "tiny + small-test are no shipped recipes" in answer.err
    assert answer.figures["peak_rss_mb"] == 123.4
    assert answer.figures["speedup_over_teacher"] == pytest.approx(
        answer.figures["teacher_ms"] / answer.figures["student_ms"], rel=0.02
    )
    names = [row["name"] for row in answer.figures["rows"]]
    assert names == [
        "teacher", "student_torch", "student", "int8", "bare_convolutions", "efficientad_s", "patchcore_wrn50",
    ]  # fmt: skip
    size = sum(path.stat().st_size for path in built.bundle.rglob("*") if path.is_file()) / 1e6
    assert answer.figures["bundle_mb"] == pytest.approx(size, abs=0.01)
