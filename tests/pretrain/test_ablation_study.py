"""The ablation from its command to its table, stopped in the middle too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from safetensors.torch import load_file

from inspection.errors import TrainingError
from pretrain.__main__ import app
from pretrain.ablation import study as study_module
from pretrain.ablation.arms import ARMS
from pretrain.ablation.study import AblationRequest, Study, run_ablation
from pretrain.evaluate.classes import check_classes, check_pixels
from pretrain.evaluate.labeled_images import find_labeled_files, load_labeled_images
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest
from pretrain.training import descent
from tests.pretrain.command_line import call
from tests.pretrain.labeled import write_pack
from tests.pretrain.stopping import Stopped, stop_after
from tests.pretrain.tiny_scale import tiny_scale


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pack(tmp_path_factory.mktemp("data") / "pack.npz", train=8, test=5)


@pytest.fixture(scope="module")
def straight(pack: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[AblationRequest, Study]:
    """A study that was never stopped."""
    request = AblationRequest(tiny_scale(), pack, tmp_path_factory.mktemp("studies") / "straight")
    return request, run_ablation(request)


def top1(study: Study) -> dict[str, Any]:
    """All that a study found, less what the clock has to do with."""
    kept = ("linear_top1", "knn_top1", "steps")
    return {
        arm: [{name: run[name] for name in kept if name in run} for run in runs] for arm, runs in study.by_arm.items()
    }


def encoders(out: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in sorted(out.glob("runs/*/encoder.safetensors"))}


def test_every_arm_is_run_under_every_seed_from_the_same_start(straight: tuple[AblationRequest, Study]) -> None:
    request, study = straight
    assert {arm: len(runs) for arm, runs in study.by_arm.items()} == {"init": 2, "a": 2, "b": 2, "c": 2, "d": 2}
    for seed in (0, 1):
        starts = {(request.out / "runs" / f"seed-{seed}-{arm}" / "start.safetensors").read_bytes() for arm in "abcd"}
        assert len(starts) == 1
    assert len(encoders(request.out)) == len(set(encoders(request.out).values())) == 8
    for arm in ARMS:
        record = RunDirectory(request.out / "runs" / f"seed-1-{arm.letter}").read_record()
        steps = study.plan.arms[arm.letter].steps
        assert record.recipe == arm.recipe(request.scale.recipe, 1, steps)
        assert [run["steps"] for run in study.by_arm[arm.letter]] == [steps, steps]


def test_isolation_changes_the_statistics_an_encoder_is_judged_with_and_not_its_weights(
    straight: tuple[AblationRequest, Study],
) -> None:
    request, _ = straight
    stirred, isolated = (load_file(request.out / "runs" / f"seed-0-{arm}" / "encoder.safetensors") for arm in "bc")
    changed = {name for name, value in stirred.items() if not torch.equal(value, isolated[name])}
    assert changed == {name for name in stirred if "running_" in name}


def test_runs_see_the_training_part_of_the_chosen_classes(straight: tuple[AblationRequest, Study], pack: Path) -> None:
    request, study = straight
    files = find_labeled_files(pack, 0).only(["dark", "striped"], 6)
    images = load_labeled_images(files, request.scale.recipe.preprocessing)
    run = RunDirectory(request.out / "runs" / "seed-0-a")
    assert run.read_trained_digests() == set(images.train.digests)
    assert (study.plan.train_image_count, study.plan.test_image_count) == (12, 10)
    assert study.pixels == check_pixels(images)
    assert study.by_arm["init"][0] == check_classes(run.load_encoder(as_started=True), images)
    last = check_classes(run.load_encoder(), images)
    assert {name: study.by_arm["a"][0][name] for name in last} == last


def test_a_study_stopped_in_the_middle_goes_on_at_its_run_and_step(
    straight: tuple[AblationRequest, Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted, expected = straight
    request = replace(uninterrupted, out=tmp_path / "stopped")
    asked: list[str] = []
    train = study_module.train

    def asked_train(training: TrainingRequest) -> RunDirectory:
        asked.append(training.out.name)
        if asked == ["seed-0-a", "seed-0-b"]:
            monkeypatch.setattr(descent, "check_step", stop_after(2))
        return train(training)

    monkeypatch.setattr(study_module, "train", asked_train)
    with monkeypatch.context() as patch:
        patch.setattr(descent, "CHECKPOINT_EVERY_S", -1.0)
        with pytest.raises(Stopped):
            run_ablation(request)
    assert asked == ["seed-0-a", "seed-0-b"]
    reached = json.loads((request.out / "runs" / "seed-0-b" / "checkpoint.json").read_text(encoding="utf-8"))
    assert reached["progress"]["step"] == 2
    monkeypatch.setattr(descent, "check_step", lambda losses, step: steps.append(step))
    steps: list[int] = []
    resumed = run_ablation(replace(request, resume=True))
    assert asked[2:] == [f"seed-{seed}-{arm}" for seed in (0, 1) for arm in "abcd"][1:]
    assert steps[:2] == [2, 3]
    assert top1(resumed) == top1(expected)
    assert encoders(request.out) == encoders(uninterrupted.out)


def test_a_finished_study_is_only_read(
    straight: tuple[AblationRequest, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, study = straight
    monkeypatch.delattr(study_module, "train")
    assert run_ablation(replace(request, resume=True)) == study


def test_another_study_is_not_mixed_with_one_that_stands(
    straight: tuple[AblationRequest, Study], tmp_path: Path
) -> None:
    request, _ = straight
    with pytest.raises(TrainingError, match="holds an ablation already: add --resume, or choose another --out"):
        run_ablation(request)
    again = replace(request, resume=True)
    with pytest.raises(TrainingError, match="was started with other seeds"):
        run_ablation(replace(again, seeds=3))
    with pytest.raises(TrainingError, match="was started with other scale"):
        run_ablation(replace(again, scale=tiny_scale(steps=5)))
    with pytest.raises(TrainingError, match="was started with other train images"):
        run_ablation(replace(again, data=write_pack(tmp_path / "pack.npz", train=5, test=5)))


def test_a_damaged_record_is_named(straight: tuple[AblationRequest, Study], tmp_path: Path) -> None:
    request, _ = straight
    (tmp_path / "ablation.json").write_text("{cut", encoding="utf-8")
    with pytest.raises(
        TrainingError, match=r"ablation\.json: cannot be read \(.*: restore it, or choose another --out"
    ):
        run_ablation(replace(request, out=tmp_path, resume=True))


def test_the_command_ends_with_its_tables_and_figures(
    straight: tuple[AblationRequest, Study],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request, study = straight
    scale = tmp_path / "tiny.toml"
    scale.write_text(tomli_w.dumps(request.scale.model_dump(mode="json", exclude_none=True)), encoding="utf-8")
    options = ["--data", request.data, "--out", request.out, "--scale", scale, "--resume"]
    answer = call(app, capsys, monkeypatch, "ablation", *options)
    assert answer.status == 0
    assert "12 training images, 10 test images, 2 seeds" in answer.out
    for row in ("bare pixels", "random weights", "(a) NNCLR", "(d) + our dense local term", "(b) - (a)", "(d) - (c)"):
        assert row in answer.out
    figures = answer.figures
    linear = {arm: [run["linear_top1"] for run in runs] for arm, runs in study.by_arm.items()}
    assert {arm: values["linear_top1_by_seed"] for arm, values in figures["arms"].items()} == linear
    assert figures["arms"]["d"]["linear_top1"] == pytest.approx(sum(linear["d"]) / 2)
    gap = figures["differences"]["d-a"]["linear_top1"]
    assert gap["mean"] == pytest.approx(figures["arms"]["d"]["linear_top1"] - figures["arms"]["a"]["linear_top1"])
    assert gap["low"] <= gap["mean"] <= gap["high"]
    assert set(figures["differences"]) == {"b-a", "c-b", "d-c", "c-a", "d-a"}
    assert figures["arms"]["a"]["forwards_per_image"] == 4
    assert figures["pixels"] == study.pixels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "{tmp}/missing.npz"], "missing.npz: no such file: give a labeled folder or a pack"),
        (["--scale", "huge"], "scale huge: no such scale: give one of cpu, full, or the path of a .toml file"),
        (["--scale", "full"], "has no image to fit on"),
        ([], "class airplane: not in the data: choose from dark, bright, striped"),
    ],
)
def test_a_users_error_is_one_line(
    options: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pack = write_pack(tmp_path / "pack.npz")
    if options[-1:] == ["full"]:
        pack = write_pack(tmp_path / "pack.npz", train=0)
    filled = ["--data", str(pack), *(option.format(tmp=tmp_path) for option in options)]
    answer = call(app, capsys, monkeypatch, "ablation", "--out", tmp_path / "out", *filled)
    assert answer.status == 2
    assert message in answer.error
    assert not (tmp_path / "out").exists()
