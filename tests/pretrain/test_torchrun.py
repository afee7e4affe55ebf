"""`torchrun -m pretrain train`: a process is killed, the others end, and the run goes on as if it had not been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from pretrain.recipe import load_recipe
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from tests.pretrain.command_line import ROOT
from tests.pretrain.test_train_command import IMPATIENT, step_of
from tests.pretrain.tiny import RECIPE_TOML

# Processes of their own import torch again: on a busy machine that takes its time.
pytestmark = pytest.mark.timeout(300)
STEPS = 12


def start(script: Path, options: list[str], err: Path) -> subprocess.Popen[bytes]:
    """Two processes of `script`, started by torchrun."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    with err.open("wb") as told:
        return subprocess.Popen(
            [sys.executable, *torchrun, str(script), "train", *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=told,
        )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The command itself, but with a checkpoint after every step; each process notes its id."""
    path = tmp_path / "impatient.py"
    note = (
        f"import os; open(os.path.join({str(tmp_path)!r}, 'rank-' + os.environ['RANK']), 'w').write(str(os.getpid()))"
    )
    path.write_text(note + IMPATIENT, encoding="utf-8")
    return path


def test_a_killed_process_ends_the_others_and_the_run_resumes(script: Path, washers: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE_TOML.replace("steps = 6", f"steps = {STEPS}"), encoding="utf-8")
    options = [
        str(recipe),
        "--images",
        str(washers),
        "--out",
        str(tmp_path / "run"),
        "--cache",
        str(tmp_path / "cache"),
    ]
    with start(script, options, tmp_path / "killed.err") as running:
        try:
            while step_of(tmp_path / "run") < 2:
                assert running.poll() is None, (tmp_path / "killed.err").read_text()
                time.sleep(0.005)
            os.kill(int((tmp_path / "rank-1").read_text()), signal.SIGKILL)
            assert running.wait() != 0
        finally:
            running.kill()
    run = RunDirectory(tmp_path / "run")
    reached = step_of(run.root)
    assert 2 <= reached < STEPS
    assert not run.is_finished
    with start(script, [*options, "--resume"], tmp_path / "resumed.err") as running:
        status = running.wait()
    told = (tmp_path / "resumed.err").read_text(encoding="utf-8")
    assert status == 0, told
    assert told.count(f"resumed at step {reached}") == 1
    assert [json.loads(line)["step"] for line in (run.root / "metrics.jsonl").read_text().splitlines()] == [
        1,
        10,
        STEPS,
    ]
    alone = train(TrainingRequest(load_recipe(str(recipe)), washers, tmp_path / "alone", cache=tmp_path / "cache"))
    expected = load_file(alone.encoder_file)
    for name, value in load_file(run.encoder_file).items():
        # Two processes add in another order, and twelve steps let rounding grow.
        assert float((value.float() - expected[name].float()).abs().max()) < 2e-2 * (
            1 + float(expected[name].abs().max())
        )
