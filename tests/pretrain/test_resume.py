"""Stopping a run changes nothing, and resuming it with something else is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import pretrain.training.descent
import pretrain.training.preparation
from inspection.errors import TrainingError
from inspection.images.digest import sha256_of_file
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from tests.pretrain.stopping import RECIPE, Stopped, checkpoint_of, stop_after
from tests.pretrain.tiny import tiny_recipe
from tests.pretrain.washers import write_washers


@pytest.fixture
def stopped(washers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingRequest:
    """The same run, stopped in its fourth step with a checkpoint after its third; asked to be resumed."""
    request = TrainingRequest(RECIPE, washers, tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(pretrain.training.descent, "CHECKPOINT_EVERY_S", -1.0)
        patched.setattr(pretrain.training.descent, "check_step", stop_after(3))
        with pytest.raises(Stopped):
            train(request)
    # Whatever else the process drew since: the run's own state is all that counts.
    torch.manual_seed(999)
    return replace(request, resume=True)


def test_a_stopped_and_resumed_run_ends_bit_for_bit_as_if_never_stopped(
    finished: RunDirectory, stopped: TrainingRequest
) -> None:
    explained, _ = checkpoint_of(stopped.out)
    assert explained["progress"]["step"] == 3  # type: ignore[index]
    resumed = train(stopped)
    (explained, tensors), (expected_explained, expected) = checkpoint_of(resumed.root), checkpoint_of(finished.root)
    assert explained["optimiser"] == expected_explained["optimiser"]
    assert tensors.keys() == expected.keys()
    assert {"networks.queue.entries", "networks.momentum_encoder.mean", "generator"} <= tensors.keys()
    assert any(name.startswith("optimiser.") for name in tensors)
    different = [name for name, value in expected.items() if not torch.equal(value, tensors[name])]
    # torch's own generator has drawn nothing that a run depends on.
    assert different in ([], ["torch_generator"])
    assert resumed.encoder_file.read_bytes() == finished.encoder_file.read_bytes()


def test_a_finished_run_resumed_stays_as_it_is(finished: RunDirectory, washers: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(finished.root, tmp_path / "copy"))
    resumed = train(TrainingRequest(RECIPE, washers, copied, resume=True))
    assert resumed.encoder_file.read_bytes() == finished.encoder_file.read_bytes()
    assert resumed.last_metrics()["step"] == 6


def test_resume_without_a_run_starts_one(finished: RunDirectory, washers: Path, tmp_path: Path) -> None:
    run = train(TrainingRequest(RECIPE, washers, tmp_path / "new", resume=True))
    assert run.encoder_file.read_bytes() == finished.encoder_file.read_bytes()


def other_recipe(request: TrainingRequest, _: Path) -> TrainingRequest:
    return replace(request, recipe=tiny_recipe(temperature=0.3, dense_weight=1.0, flaw_weight=1.0, preserve_weight=1.0))


def other_backbone(request: TrainingRequest, _: Path) -> TrainingRequest:
    return replace(request, recipe=tiny_recipe(encoder={"backbone": "test_resnet"}))


def other_images(request: TrainingRequest, folder: Path) -> TrainingRequest:
    write_washers(folder / "others", range(50, 66))
    return replace(request, images=folder / "others")


def other_minutes(request: TrainingRequest, _: Path) -> TrainingRequest:
    return replace(request, minutes=1.0)


def other_start(request: TrainingRequest, _: Path) -> TrainingRequest:
    return replace(request, start_weights=request.out / "start.safetensors")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (other_recipe, "recipe"),
        (other_backbone, "recipe"),
        (other_images, "images"),
        (other_minutes, "minutes"),
        (other_start, "start weights"),
    ],
)
def test_resuming_with_something_else_is_refused(
    change: Callable[[TrainingRequest, Path], TrainingRequest], named: str, stopped: TrainingRequest, tmp_path: Path
) -> None:
    before = (stopped.out / "run.json").read_bytes()
    with pytest.raises(TrainingError, match=rf"run: was started with other {named}.*: resume with the same, or choose"):
        train(change(stopped, tmp_path))
    assert (stopped.out / "run.json").read_bytes() == before
    assert not (stopped.out / "encoder.safetensors").exists()


def test_a_folder_that_has_changed_is_told_in_numbers(stopped: TrainingRequest, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(stopped.images, changed)
    trained = RunDirectory(stopped.out).read_trained_digests()
    next(path for path in sorted(changed.iterdir()) if sha256_of_file(path) in trained).unlink()
    with pytest.raises(TrainingError, match=r"other images \([1-8] it trained on are gone, \d are new to it\): resume"):
        train(replace(stopped, images=changed))
    write_washers(changed, range(16))
    assert train(replace(stopped, images=changed)).is_finished


def cut_tensors(run: Path) -> None:
    (path,) = run.glob("checkpoint-*.safetensors")
    path.write_bytes(path.read_bytes()[:-100])


def lose_tensors(run: Path) -> None:
    (path,) = run.glob("checkpoint-*.safetensors")
    path.unlink()


def write_explanation(text: str) -> Callable[[Path], None]:
    def write(run: Path) -> None:
        (run / "checkpoint.json").write_text(text, encoding="utf-8")

    return write


def forget_progress(run: Path) -> None:
    explained = json.loads((run / "checkpoint.json").read_text(encoding="utf-8"))
    del explained["progress"]["step"]
    (run / "checkpoint.json").write_text(json.dumps(explained), encoding="utf-8")


@pytest.mark.parametrize(
    "harm",
    [
        cut_tensors,
        lose_tensors,
        forget_progress,
        write_explanation(""),
        write_explanation("[]"),
        write_explanation('{"tensors": 5}'),
        write_explanation('{"tensors": "run.json", "optimiser": {}}'),
    ],
)
def test_a_damaged_checkpoint_is_one_line(harm: Callable[[Path], None], stopped: TrainingRequest) -> None:
    harm(stopped.out)
    with pytest.raises(TrainingError) as raised:
        train(stopped)
    message = str(raised.value)
    assert message.startswith(f"{stopped.out / 'checkpoint.json'}: cannot be resumed (")
    assert message.endswith("): start the run anew in another folder")
    assert "\n" not in message


def test_a_kill_between_tensors_and_explanation_leaves_the_checkpoint_before(
    finished: RunDirectory, stopped: TrainingRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr("pretrain.training.checkpoint.replace_text", die)
        patched.setattr(pretrain.training.descent, "CHECKPOINT_EVERY_S", -1.0)
        with pytest.raises(Stopped):
            train(stopped)
    assert len(list(stopped.out.glob("checkpoint-*.safetensors"))) == 2
    assert checkpoint_of(stopped.out)[0]["progress"]["step"] == 3  # type: ignore[index]
    resumed = train(stopped)
    assert resumed.encoder_file.read_bytes() == finished.encoder_file.read_bytes()
    assert [path.name for path in resumed.root.glob("checkpoint-*")] == ["checkpoint-00000006.safetensors"]


def test_a_kill_before_the_first_step_leaves_no_half_run(
    washers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Stopped

    request = TrainingRequest(RECIPE, washers, tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "save_encoder", die)
        with pytest.raises(Stopped):
            train(request)
    assert not (tmp_path / "run" / "run.json").exists()
    assert train(request).read_trained_digests()


def test_the_chosen_illumination_is_kept_on_resuming(
    washers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chooser = RECIPE.model_copy(update={"choose_illumination": True})
    request = TrainingRequest(chooser, washers, tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(pretrain.training.descent, "check_step", stop_after(0))
        with pytest.raises(Stopped):
            train(request)
    settled = RunDirectory(request.out).read_record().recipe
    assert not settled.choose_illumination

    def refuse(*_: object) -> None:
        raise AssertionError("chosen twice")

    monkeypatch.setattr(pretrain.training.preparation, "choose_illumination", refuse)
    assert train(replace(request, resume=True)).read_record().recipe == settled
