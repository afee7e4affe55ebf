"""A run on disk: read back as written, and a line for what cannot be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from inspection.errors import TrainingError
from pretrain.encoder.encoder import Encoder
from pretrain.run_directory import RunDirectory, RunRecord
from tests.pretrain.tiny import some_images, tiny_recipe

RECIPE = tiny_recipe()
RECORD = RunRecord(
    recipe=RECIPE,
    recipe_sha256=RECIPE.sha256(),
    images="/images",
    images_sha256="0" * 64,
    image_count=8,
    split="by image; no lots are known",
    start_weights=None,
    start_weights_sha256=None,
    minutes=None,
    kensa_version="0",
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    torch.manual_seed(0)
    run = RunDirectory(tmp_path_factory.mktemp("runs") / "run")
    run.create()
    run.write_trained_digests(["b" * 64, "a" * 64])
    encoder = Encoder(RECIPE.encoder)
    run.save_encoder(encoder, run.start_file)
    run.save_encoder(encoder, run.encoder_file)
    run.write_record(RECORD)
    return run


@pytest.fixture
def run(written: RunDirectory, tmp_path: Path) -> RunDirectory:
    return RunDirectory(Path(shutil.copytree(written.root, tmp_path / "run")))


def test_a_run_reads_back_as_written(run: RunDirectory) -> None:
    assert run.read_record() == RECORD
    assert run.read_trained_digests() == {"a" * 64, "b" * 64}
    assert run.name == "run"
    assert not list(run.root.glob("*.partial"))


@torch.no_grad()
def test_an_encoder_reads_back_as_written(run: RunDirectory) -> None:
    torch.manual_seed(0)
    written = Encoder(RECIPE.encoder).eval()
    assert torch.equal(run.load_encoder().patch_embeddings(some_images(2)), written.patch_embeddings(some_images(2)))


def test_metrics_are_one_line_a_report(run: RunDirectory) -> None:
    for step in (1, 2):
        run.append_metrics({"step": step, "loss": 0.5})
    assert run.last_metrics() == {"step": 2, "loss": 0.5}
    assert len((run.root / "metrics.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(TrainingError, match="no run here: start one with `python -m pretrain train`"):
            RunDirectory(folder).read_record()
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="no run here"):
        RunDirectory(tmp_path / "file").read_record()


def test_an_unfinished_run_is_told(run: RunDirectory) -> None:
    run.encoder_file.unlink()
    assert not run.is_finished
    with pytest.raises(TrainingError, match="the run is not finished: go on with `python -m pretrain train"):
        run.load_encoder()
    assert run.load_encoder(as_started=True).width == 80


@pytest.mark.parametrize("content", [b"", b"short", bytes(100)])
def test_a_damaged_encoder_is_told(content: bytes, run: RunDirectory) -> None:
    run.encoder_file.write_bytes(content)
    with pytest.raises(TrainingError, match=r"encoder\.safetensors: is damaged \(.*\): restore the file or start"):
        run.load_encoder()


def test_a_record_of_another_version_is_told(run: RunDirectory) -> None:
    values = json.loads(run.record_file.read_text(encoding="utf-8"))
    values["recipe"]["method"]["heads"] = 8
    run.record_file.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(TrainingError, match=r"run\.json: recipe\.method\.heads does not fit: start the run again"):
        run.read_record()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_record_is_told(content: bytes, run: RunDirectory) -> None:
    run.record_file.write_bytes(content)
    with pytest.raises(TrainingError, match=r"run\.json: "):
        run.read_record()


def test_a_lost_list_of_trained_images_is_told(run: RunDirectory) -> None:
    # Without it nobody could tell which images are free to calibrate.
    (run.root / "trained_images.txt").unlink()
    with pytest.raises(TrainingError, match=r"trained_images\.txt: .*: restore the file or start the run again"):
        run.read_trained_digests()
