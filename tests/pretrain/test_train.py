"""A run from a folder to an encoder: what it leaves and what it refuses."""

from __future__ import annotations

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import pretrain.training.descent
import pretrain.training.step
from inspection.errors import DatasetError, StorageError, TrainingError
from inspection.images.digest import sha256_of_file
from pretrain.encoder.encoder import Encoder
from pretrain.method import StepLosses, step_losses
from pretrain.processes.distributed import Team
from pretrain.recipe import Recipe, load_recipe, shipped_recipes
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from pretrain.training.checkpoint import Trainee
from tests.pretrain.stopping import RECIPE, checkpoint_of
from tests.pretrain.tiny import tiny_recipe


def test_a_run_leaves_what_its_folder_promises(finished: RunDirectory, washers: Path) -> None:
    names = {path.name for path in finished.root.iterdir()}
    assert names == {
        "run.json",
        "trained_images.txt",
        "checkpoint.json",
        "checkpoint-00000006.safetensors",
        "metrics.jsonl",
        "tensorboard",
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
    weights = {"global": 6.0, "local": 1.0, "dense": 1.0, "flaw": 1.0}
    assert last["loss"] == pytest.approx(sum(weight * last[name] for name, weight in weights.items()), rel=1e-5)
    lines = (finished.root / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 6]


def test_two_runs_of_one_recipe_are_the_same(finished: RunDirectory, washers: Path, tmp_path: Path) -> None:
    again = train(TrainingRequest(RECIPE, washers, tmp_path / "again"))
    assert again.encoder_file.read_bytes() == finished.encoder_file.read_bytes()
    other = train(TrainingRequest(RECIPE.model_copy(update={"seed": 1}), washers, tmp_path / "other"))
    assert other.encoder_file.read_bytes() != finished.encoder_file.read_bytes()


def test_a_run_is_never_overwritten(finished: RunDirectory, washers: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.root.iterdir()}
    with pytest.raises(TrainingError, match="straight: holds a run already: add --resume, or choose another --out"):
        train(TrainingRequest(RECIPE, washers, finished.root))
    assert {path: path.stat().st_mtime_ns for path in finished.root.iterdir()} == before


def test_a_loss_that_is_no_number_ends_the_run_in_one_line(
    washers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def poisoned(*arguments: object) -> StepLosses:
        losses = step_losses(*arguments)  # type: ignore[arg-type]
        return replace(losses, total=losses.total * float("nan"))

    monkeypatch.setattr(pretrain.training.step, "step_losses", poisoned)
    with pytest.raises(TrainingError, match="step 0: the loss is not finite"):
        train(TrainingRequest(RECIPE, washers, tmp_path / "run"))
    assert not (tmp_path / "run" / "encoder.safetensors").exists()


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("pretrain.training.checkpoint.save_file", "run: checkpoint not written"),
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
    real = pretrain.training.descent.take_step

    def counting(trainee: Trainee, images: torch.Tensor, recipe: Recipe, rate_factor: float, team: Team) -> StepLosses:
        seen.append(len(images))
        return real(trainee, images, recipe, rate_factor, team)

    monkeypatch.setattr(pretrain.training.descent, "take_step", counting)
    recipe = tiny_recipe(steps=2)
    large = recipe.model_copy(update={"optimisation": recipe.optimisation.model_copy(update={"batch_size": 32})})
    run = train(TrainingRequest(large, washers, tmp_path / "run"))
    assert seen == [8, 8]
    # 8 images a step, not the 32 of the recipe.
    first, last = (json.loads(line) for line in (run.root / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    assert last["images_per_s"] == pytest.approx(8 / (last["elapsed_s"] - first["elapsed_s"]), rel=0.05)


def test_damaged_images_are_listed_and_the_others_trained_on(washers: Path, tmp_path: Path) -> None:
    images = Path(shutil.copytree(washers, tmp_path / "images"))
    for number in range(7):
        (images / f"letter-{number}.png").write_text(f"Dear Sir {number}", encoding="utf-8")
    run = train(TrainingRequest(tiny_recipe(steps=1), images, tmp_path / "run"))
    assert run.is_finished
    assert run.read_record().image_count == 8
    listed = (run.root / "left_out.txt").read_text(encoding="utf-8").splitlines()
    assert len(listed) == 7
    assert listed[0].startswith(f"{images / 'letter-0.png'}: not a PNG, JPEG, BMP or TIFF image")


def test_a_folder_of_damaged_images_alone_leaves_no_run(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "letter.png").write_text("Dear Sir", encoding="utf-8")
    with pytest.raises(DatasetError, match="0 readable images, 1 damaged: give at least 8"):
        train(TrainingRequest(tiny_recipe(), tmp_path / "images", tmp_path / "run"))
    assert not (tmp_path / "run" / "run.json").exists()


def test_prepared_images_are_kept_where_asked(washers: Path, tmp_path: Path) -> None:
    asked = TrainingRequest(tiny_recipe(steps=1), washers, tmp_path / "run", cache=tmp_path / "cache")
    assert train(asked).is_finished
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} == {".uint8", ".json"}
    assert not (tmp_path / "prepared-images").exists()


def test_compiling_is_left_out_on_a_cpu_and_says_so(
    washers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(TrainingRequest(tiny_recipe(steps=1), washers, tmp_path / "run", compile=True)).is_finished
    assert ("--compile is left out: it gains on CUDA alone" in capsys.readouterr().err) != torch.cuda.is_available()


def test_a_recipe_for_start_weights_does_not_begin_without(washers: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe().model_copy(update={"needs_start_weights": True})
    with pytest.raises(TrainingError, match="recipe tiny: adapts start weights and there are none: give --init"):
        train(TrainingRequest(recipe, washers, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def starts() -> list[tuple[str, bool]]:
    """Every shipped recipe with each start, warm or not, that makes a difference to it."""
    recipes = {name: load_recipe(name) for name in shipped_recipes()}
    cold = [(name, False) for name, recipe in recipes.items() if not recipe.needs_start_weights]
    return cold + [(name, True) for name, recipe in recipes.items() if recipe.method.preserve_weight]


@pytest.mark.parametrize(("name", "warm"), starts())
def test_every_shipped_recipe_takes_its_first_step(
    name: str, warm: bool, washers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = load_recipe(name)
    recipe = shipped.model_copy(update={"optimisation": shipped.optimisation.model_copy(update={"steps": 1})})
    start = None
    if warm:
        start = tmp_path / "start.safetensors"
        save_file(Encoder(recipe.encoder).state_dict(), start)
    run = train(TrainingRequest(recipe, washers, tmp_path / "run", start_weights=start))
    assert run.is_finished
    assert run.last_metrics()["step"] == 1
    weights = recipe.method.model_dump()
    terms = {name for name in ("global", "local", "dense", "flaw") if weights[f"{name}_weight"]}
    assert ("nothing to hold on to" in capsys.readouterr().err) is (recipe.holds_on_to_start and not warm)
    assert terms | ({"preserve"} if warm else set()) == run.last_metrics().keys() & {*terms, "preserve"}


@pytest.mark.parametrize("warm", [True, False])
def test_a_timed_run_from_random_weights_knows_no_most_steps(warm: bool, washers: Path, tmp_path: Path) -> None:
    plain = tiny_recipe()
    recipe = plain.model_copy(update={"optimisation": plain.optimisation.model_copy(update={"most_steps": 2})})
    start = None
    if warm:
        start = tmp_path / "start.safetensors"
        save_file(Encoder(recipe.encoder).state_dict(), start)
    run = train(TrainingRequest(recipe, washers, tmp_path / "run", minutes=0.03, start_weights=start))
    assert (run.last_metrics()["step"] == 2) is warm
