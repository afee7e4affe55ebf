"""`python -m pretrain train`, also killed in the middle and resumed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pretrain.__main__ import app
from pretrain.recipe import load_recipe
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from tests.pretrain.command_line import ROOT, call, run
from tests.pretrain.tiny import RECIPE_TOML

# The command itself, but with a checkpoint after every step instead of every half minute.
IMPATIENT = """
import runpy, sys
import pretrain.training.descent
pretrain.training.descent.CHECKPOINT_EVERY_S = -1.0
sys.argv[0] = "pretrain"
runpy.run_module("pretrain", run_name="__main__", alter_sys=False)
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE_TOML, encoding="utf-8")
    return path


def step_of(run_root: Path) -> int:
    path = run_root / "checkpoint.json"
    return int(json.loads(path.read_text(encoding="utf-8"))["progress"]["step"]) if path.is_file() else 0


def kill_after(steps: int, options: list[str], run_root: Path) -> None:
    """Start a training and kill it, without warning, once it has written a checkpoint of that many steps."""
    child = subprocess.Popen(
        [sys.executable, "-c", IMPATIENT, "train", *options],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while step_of(run_root) < steps:
            assert child.poll() is None, "the training ended before it could be killed"
            time.sleep(0.005)
    finally:
        child.kill()
        child.wait(30)


def test_a_run_killed_in_the_middle_ends_bit_for_bit_as_if_never_killed(
    recipe: Path, washers: Path, tmp_path: Path
) -> None:
    recipe.write_text(RECIPE_TOML.replace("steps = 6", "steps = 40"), encoding="utf-8")
    options = [str(recipe), "--images", str(washers), "--out", str(tmp_path / "killed")]
    kill_after(3, options, tmp_path / "killed")
    reached = step_of(tmp_path / "killed")
    assert 3 <= reached < 40
    assert not (tmp_path / "killed" / "encoder.safetensors").exists()
    answer = run("-m", "pretrain", "train", *options, "--resume")
    assert answer.status == 0
    assert f"resumed at step {reached}" in answer.err
    straight = train(TrainingRequest(load_recipe(str(recipe)), washers, tmp_path / "straight"))
    killed = RunDirectory(tmp_path / "killed")
    assert killed.encoder_file.read_bytes() == straight.encoder_file.read_bytes()
    assert answer.figures["step"] == 40
    assert answer.figures["loss"] == pytest.approx(straight.last_metrics()["loss"])
    # What was done twice is told once.
    told = [json.loads(line)["step"] for line in (killed.root / "metrics.jsonl").read_text().splitlines()]
    assert told == [1, 10, 20, 30, 40]


def test_a_run_ends_with_one_line_of_figures(
    recipe: Path,
    washers: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = call(app, capsys, monkeypatch, "train", recipe, "--images", washers, "--out", tmp_path / "run")
    assert answer.status == 0
    assert answer.figures["run"] == str(tmp_path / "run")
    assert answer.figures["recipe"] == "tiny"
    assert answer.figures["images"] == 8
    assert answer.figures["step"] == 6
    assert "pretraining" in answer.err
    assert "pretraining" not in answer.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["domo", "--images", "{washers}"], "domo: no such recipe: give one of "),
        (
            ["{wrong}", "--images", "{washers}"],
            "wrong.toml: unknown key stepps: remove the key or correct its spelling",
        ),
        (["{recipe}", "--images", "{missing}"], "missing: no such folder: give a folder of images"),
        (["{recipe}", "--images", "{empty}"], "empty: holds no image: put .bmp, "),
        (["{recipe}", "--images", "{washers}", "--init", "{missing}"], "missing: no such file: give a local weights"),
        (
            ["{recipe}", "--images", "{washers}", "--init", "{wrong}"],
            "wrong.toml: not a weights file (no plain tensors)",
        ),
        (["{recipe}", "--images", "{washers}", "--out", "{wrong}"], "wrong.toml: not written (File exists): free"),
    ],
)
def test_a_users_error_is_one_line(
    arguments: list[str],
    message: str,
    recipe: Path,
    washers: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = {name: tmp_path / name for name in ("missing", "empty")}
    places |= {"washers": washers, "recipe": recipe, "wrong": tmp_path / "wrong.toml"}
    places["empty"].mkdir()
    places["wrong"].write_text('name = "wrong"\nstepps = 5\n', encoding="utf-8")
    filled = [argument.format(**places) for argument in arguments]
    out = [] if "--out" in arguments else ["--out", str(tmp_path / "run")]
    answer = call(app, capsys, monkeypatch, "train", *filled, *out)
    assert answer.status == 2
    assert message in answer.error
    assert answer.out == ""
    assert not (tmp_path / "run" / "run.json").exists()


def test_too_short_a_time_is_refused(
    recipe: Path, washers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options: list[str | Path] = ["--images", washers, "--out", tmp_path / "run", "--minutes", "0"]
    answer = call(app, capsys, monkeypatch, "train", recipe, *options)
    assert answer.status == 2
    assert "--minutes" in answer.err
    assert not (tmp_path / "run").exists()
