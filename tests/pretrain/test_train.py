"""A run from a folder to an encoder: what it leaves, what it refuses, and that stopping it changes nothing."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import pretrain.train
from inspection.errors import StorageError, TrainingError
from inspection.images.digest import sha256_of_file
from pretrain.checkpoint import Trainee
from pretrain.method import StepLosses, step_losses
from pretrain.recipe import Recipe
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from tests.pretrain.tiny import tiny_recipe
from tests.pretrain.washers import write_washers

RECIPE = tiny_recipe(dense_weight=1.0, flaw_weight=1.0, preserve_weight=1.0)


class Stopped(Exception):
    """Stands for anything that ends a process."""


def stop_after(steps: int) -> Callable[[StepLosses, int], None]:
    """A monitor that ends the run when step number `steps` (from 0) has been taken, before it is counted."""

    def check(_: StepLosses, step: int) -> None:
        if step == steps:
            raise Stopped

    return check


@pytest.fixture(scope="module")
def finished(washers: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run that was never stopped."""
    return train(TrainingRequest(RECIPE, washers, tmp_path_factory.mktemp("runs") / "straight"))


@pytest.fixture
def stopped(washers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingRequest:
    """The same run, stopped in its fourth step with a checkpoint after its third; asked to be resumed."""
    request = TrainingRequest(RECIPE, washers, tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(pretrain.train, "_CHECKPOINT_EVERY_S", -1.0)
        patched.setattr(pretrain.train, "check_step", stop_after(3))
        with pytest.raises(Stopped):
            train(request)
    # Whatever else the process drew since: the run's own state is all that counts.
    torch.manual_seed(999)
    return replace(request, resume=True)


def checkpoint_of(run: Path) -> tuple[dict[str, object], dict[str, torch.Tensor]]:
    explained = json.loads((run / "checkpoint.json").read_text(encoding="utf-8"))
    return explained, load_file(run / explained["tensors"])


def test_a_run_leaves_what_its_folder_promises(finished: RunDirectory, washers: Path) -> None:
    names = {path.name for path in finished.root.iterdir()}
    assert names == {
        "run.json",
        "trained_images.txt",
        "checkpoint.json",
        "checkpoint-00000006.safetensors",
        "metrics.jsonl",
        "encoder.safetensors",
        "start.safetensors",
    }
    record = finished.read_record()
    assert record.recipe == RECIPE
    assert record.recipe_sha256 == RECIPE.sha256()
    assert record.image_count == 8
    assert record.split == "by image; no lots are known"
    trained = finished.read_trained_digests()
    assert len(trained) == 8
    assert trained < {sha256_of_file(path) for path in washers.iterdir()}
    assert finished.is_finished


def test_the_encoder_has_moved_from_its_start(finished: RunDirectory) -> None:
    start, end = finished.load_encoder(as_started=True), finished.load_encoder()
    assert not end.training
    assert not any(weight.requires_grad for weight in end.parameters())
    moved = {name for name, weight in end.named_parameters() if not torch.equal(weight, start.get_parameter(name))}
    # The deepest stage feeds no tap of this recipe.
    assert moved == {name for name, _ in end.named_parameters() if not name.startswith("backbone.blocks.4.")}


def test_the_last_line_of_metrics_is_the_last_step(finished: RunDirectory) -> None:
    last = finished.last_metrics()
    assert last["step"] == 6
    weights = {"global": 6.0, "local": 1.0, "dense": 1.0, "flaw": 1.0, "preserve": 1.0}
    assert last["loss"] == pytest.approx(sum(weight * last[name] for name, weight in weights.items()), rel=1e-5)
    lines = (finished.root / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 6]


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


def test_two_runs_of_one_recipe_are_the_same(finished: RunDirectory, washers: Path, tmp_path: Path) -> None:
    again = train(TrainingRequest(RECIPE, washers, tmp_path / "again"))
    assert again.encoder_file.read_bytes() == finished.encoder_file.read_bytes()
    other = train(TrainingRequest(RECIPE.model_copy(update={"seed": 1}), washers, tmp_path / "other"))
    assert other.encoder_file.read_bytes() != finished.encoder_file.read_bytes()


def test_a_finished_run_resumed_stays_as_it_is(finished: RunDirectory, washers: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(finished.root, tmp_path / "copy"))
    resumed = train(TrainingRequest(RECIPE, washers, copied, resume=True))
    assert resumed.encoder_file.read_bytes() == finished.encoder_file.read_bytes()
    assert resumed.last_metrics()["step"] == 6


def test_resume_without_a_run_starts_one(finished: RunDirectory, washers: Path, tmp_path: Path) -> None:
    run = train(TrainingRequest(RECIPE, washers, tmp_path / "new", resume=True))
    assert run.encoder_file.read_bytes() == finished.encoder_file.read_bytes()


def test_a_run_is_never_overwritten(finished: RunDirectory, washers: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.root.iterdir()}
    with pytest.raises(TrainingError, match="straight: holds a run already: add --resume, or choose another --out"):
        train(TrainingRequest(RECIPE, washers, finished.root))
    assert {path: path.stat().st_mtime_ns for path in finished.root.iterdir()} == before


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
    with pytest.raises(TrainingError, match=rf"run: was started with other {named}: resume with the same, or choose"):
        train(change(stopped, tmp_path))
    assert (stopped.out / "run.json").read_bytes() == before
    assert not (stopped.out / "encoder.safetensors").exists()


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
        patched.setattr("pretrain.checkpoint.replace_text", die)
        patched.setattr(pretrain.train, "_CHECKPOINT_EVERY_S", -1.0)
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
        patched.setattr(pretrain.train, "check_step", stop_after(0))
        with pytest.raises(Stopped):
            train(request)
    settled = RunDirectory(request.out).read_record().recipe
    assert not settled.choose_illumination

    def refuse(*_: object) -> None:
        raise AssertionError("chosen twice")

    monkeypatch.setattr(pretrain.train, "choose_illumination", refuse)
    assert train(replace(request, resume=True)).read_record().recipe == settled


def test_a_loss_that_is_no_number_ends_the_run_in_one_line(
    washers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def poisoned(*arguments: object) -> StepLosses:
        losses = step_losses(*arguments)  # type: ignore[arg-type]
        return replace(losses, total=losses.total * float("nan"))

    monkeypatch.setattr(pretrain.train, "step_losses", poisoned)
    with pytest.raises(TrainingError, match="step 0: the loss is not finite"):
        train(TrainingRequest(RECIPE, washers, tmp_path / "run"))
    assert not (tmp_path / "run" / "encoder.safetensors").exists()


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("pretrain.checkpoint.save_file", "run: checkpoint not written"),
        ("pretrain.run_directory.save_file", "start.safetensors: not written"),
        ("pretrain.run_directory.replace_text", "run: not written"),
    ],
)
def test_a_full_disk_is_one_line(
    place: str, named: str, washers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, full_disk)
    with pytest.raises(StorageError, match=rf"{named} \(.*No space left on device\): free some space"):
        train(TrainingRequest(RECIPE, washers, tmp_path / "run"))
    assert not (tmp_path / "run" / "encoder.safetensors").exists()


def test_a_file_in_the_runs_place_is_one_line(washers: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("taken", encoding="utf-8")
    with pytest.raises(StorageError, match="run: not written"):
        train(TrainingRequest(RECIPE, washers, tmp_path / "run"))
    assert (tmp_path / "run").read_text(encoding="utf-8") == "taken"


def test_minutes_end_a_run_whatever_its_steps(washers: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(steps=10**9)
    run = train(TrainingRequest(recipe, washers, tmp_path / "run", minutes=0.005))
    explained, _ = checkpoint_of(run.root)
    assert explained["progress"]["elapsed_s"] >= 0.3  # type: ignore[index]
    assert run.is_finished
    assert run.read_record().minutes == 0.005


def test_a_batch_is_never_larger_than_the_set(washers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = pretrain.train._take_step

    def counting(trainee: Trainee, images: torch.Tensor, recipe: Recipe, rate_factor: float) -> StepLosses:
        seen.append(len(images))
        return real(trainee, images, recipe, rate_factor)

    monkeypatch.setattr(pretrain.train, "_take_step", counting)
    recipe = tiny_recipe(steps=2)
    large = recipe.model_copy(update={"optimisation": recipe.optimisation.model_copy(update={"batch_size": 64})})
    run = train(TrainingRequest(large, washers, tmp_path / "run"))
    assert seen == [8, 8]
    # 8 images a step, not the 64 of the recipe.
    last = run.last_metrics()
    assert last["images_per_s"] == pytest.approx(8 * 2 / last["elapsed_s"], rel=0.01)
