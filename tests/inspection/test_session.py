"""The student's session: checked when it is loaded, plain errors when it fails, the same answers from any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from inspection.errors import BundleError
from inspection.scoring.session import INPUT, OUTPUTS, StudentSession, best_providers
from tests.bundles import INPUT_PX, tiny_student


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("student") / "student.onnx"
    onnx.save(tiny_student(np.full((INPUT_PX, INPUT_PX, 3), 128, np.uint8)), path)
    return path


@pytest.fixture(scope="module")
def session(path: Path) -> StudentSession:
    return StudentSession(path, threads=1)


def inputs(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, INPUT_PX, INPUT_PX, 3), dtype=np.uint8)


def test_scores_have_their_shapes(session: StudentSession) -> None:
    scores = session.score(inputs(3))
    assert len(scores) == 3
    assert scores.anomaly_map.shape[0] == 3
    assert scores.anomaly_map.ndim == 3
    assert scores.local_score.shape == scores.global_score.shape == (3,)
    assert {array.dtype for array in (scores.anomaly_map, scores.local_score, scores.global_score)} == {
        np.dtype(np.float32)
    }


def test_run_names_every_output(session: StudentSession) -> None:
    outputs = session.run(inputs(2))
    assert tuple(outputs) == OUTPUTS
    assert np.array_equal(outputs["local_score"], session.score(inputs(2)).local_score)


def test_a_batch_scores_as_its_images_alone(session: StudentSession) -> None:
    batch = inputs(5)
    alone = [float(session.score(image[None]).local_score[0]) for image in batch]
    assert session.score(batch).local_score == pytest.approx(alone, rel=1e-6)


def test_threads_do_not_mix_their_images(session: StudentSession) -> None:
    batches = [inputs(count, seed=count) for count in range(1, 9)]
    expected = [session.score(batch).anomaly_map for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            answers = pool.map(session.score, batches)
            assert all(np.array_equal(a.anomaly_map, e) for a, e in zip(answers, expected, strict=True))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, INPUT_PX, INPUT_PX, 3), np.float32),
        np.zeros((1, INPUT_PX, INPUT_PX + 32, 3), np.uint8),
        np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8),
    ],
)
def test_a_wrong_input_is_one_line_with_the_file(session: StudentSession, path: Path, wrong: np.ndarray) -> None:
    for call in (session.score, session.run):
        with pytest.raises(BundleError) as caught:
            call(wrong)
        assert str(caught.value).startswith(f"{path}: ONNX Runtime cannot run it")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [INPUT, "global_score"])
def test_a_graph_without_one_of_its_names(path: Path, tmp_path: Path, name: str) -> None:
    model = onnx.load(path)
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["other" if value == name else value for value in node.input]
        node.output[:] = ["other" if value == name else value for value in node.output]
    for value in (*graph.input, *graph.output):
        value.name = "other" if value.name == name else value.name
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(BundleError, match=rf"odd\.onnx: the graph lacks {name}: build the bundle again"):
        StudentSession(tmp_path / "odd.onnx")


def test_an_unknown_operator(path: Path, tmp_path: Path) -> None:
    model = onnx.load(path)
    model.graph.node[0].op_type = "Conjure"
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(BundleError, match=r"odd\.onnx: ONNX Runtime refuses it .*Conjure"):
        StudentSession(tmp_path / "odd.onnx")


def test_an_operator_set_of_the_future(path: Path, tmp_path: Path) -> None:
    model = onnx.load(path)
    model.opset_import[0].version = 999
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(BundleError, match=r"odd\.onnx: ONNX Runtime refuses it"):
        StudentSession(tmp_path / "odd.onnx")


def test_a_changed_graph_loads_or_is_refused_plainly(
    path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    refused_count = 0
    # The graph's own bytes, before the constants, which may take any value.
    for position, value in zip(rng.integers(0, 900, 150), rng.integers(0, 256, 150), strict=True):
        changed = bytearray(data)
        changed[position] = value
        (tmp_path / "odd.onnx").write_bytes(changed)
        try:
            StudentSession(tmp_path / "odd.onnx", threads=1)
        except BundleError:
            refused_count += 1
    assert refused_count > 10
    assert capfd.readouterr().out == ""


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"gone\.onnx: ONNX Runtime refuses it"):
        StudentSession(tmp_path / "gone.onnx")


def test_the_cpu_is_always_there_and_comes_last() -> None:
    assert best_providers()[-1] == "CPUExecutionProvider"


def test_without_a_gpu_nothing_is_said_of_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", missing)
    assert best_providers() == ["CPUExecutionProvider"]
    StudentSession(path)
    assert capfd.readouterr() == ("", "")


def test_cuda_is_chosen_where_driver_and_provider_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: name)
    both = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: both)
    assert best_providers() == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: both[2:])
    assert best_providers() == ["CPUExecutionProvider"]
