"""Two processes are as one: the same gradients, weights and statistics, errors told once, killed and resumed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pretrain.processes.distributed import Team
from pretrain.recipe import load_recipe
from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from tests.pretrain.command_line import ROOT
from tests.pretrain.test_train_command import IMPATIENT, step_of
from tests.pretrain.tiny import RECIPE_TOML
from tests.pretrain.two_processes import RECIPES, trained

# Processes of their own import torch again: on a busy machine that takes its time.
pytestmark = pytest.mark.timeout(300)
STEPS = 12


@dataclass(frozen=True)
class Pair:
    """What two processes left: their folder, what each told, and the exit status of each run."""

    folder: Path
    out: list[str]
    err: list[str]
    statuses: list[str]


def free_ports(count: int) -> list[str]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in taken]
    for one in taken:
        one.close()
    return ports


@pytest.fixture(scope="module")
def pair(washers: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    (folder / "tiny.toml").write_text(RECIPE_TOML.replace("steps = 6", f"steps = {STEPS}"), encoding="utf-8")
    ports = free_ports(4)
    command = [sys.executable, "-m", "tests.pretrain.two_processes", str(folder), str(washers), *ports]
    environment = {**os.environ, "MASTER_ADDR": "127.0.0.1", "WORLD_SIZE": "2"}
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**environment, "RANK": rank, "LOCAL_RANK": rank},
                    stdout=stack.enter_context((folder / f"{rank}.out").open("w")),
                    stderr=stack.enter_context((folder / f"{rank}.err").open("w")),
                )
            )
            for rank in "01"
        ]
        for process in processes:
            stack.callback(process.kill)
        statuses = [process.wait() for process in processes]
    out, err = ([(folder / f"{rank}.{kind}").read_text(encoding="utf-8") for rank in "01"] for kind in ("out", "err"))
    assert statuses == [0, 0], err
    return Pair(folder, out, err, [(folder / f"statuses-{rank}").read_text() for rank in "01"])


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_give_the_gradients_and_weights_of_one(pair: Pair, name: str) -> None:
    alone = trained(RECIPES[name], Team())
    first, second = (load_file(pair.folder / f"{name}-{rank}.safetensors") for rank in (0, 1))
    assert first.keys() == second.keys() == alone.keys()
    weights = RECIPES[name].method.model_dump()
    terms = ["global", "small", "local", "dense", "flaw", "map", "preserve"]
    assert {f"loss.{term}" for term in terms if weights[f"{term}_weight"]} <= alone.keys()
    # Nothing drifts apart: not a bit.
    assert [key for key, value in first.items() if not torch.equal(value, second[key])] == []
    # Sums in another order are all that differs. A bias before a BatchNorm has no gradient but rounding.
    far = {
        key: float((value.float() - alone[key].float()).abs().max() / (alone[key].float().abs().max() + 1e-3))
        for key, value in first.items()
    }
    assert {key: error for key, error in far.items() if error > 1e-3} == {}


def test_half_a_batch_would_give_other_gradients() -> None:
    # What the test above would not see if processes compared their own rows alone.
    in_parts = RECIPES["in-parts"]
    one = in_parts.model_copy(update={"optimisation": in_parts.optimisation.model_copy(update={"accumulate": 1})})
    whole, halves = trained(one, Team()), trained(in_parts, Team())
    name = "gradient.predictor.0.weight"
    assert float((whole[name] - halves[name]).abs().max() / whole[name].abs().max()) > 0.05


def test_an_error_of_the_first_process_ends_both_and_is_told_once(pair: Pair) -> None:
    told = [line for err in pair.err for line in err.splitlines() if line.startswith("error: ")]
    assert len(told) == 2
    assert f"error: {pair.folder / 'empty'}: holds no image: put .bmp, " in told[0]
    assert pair.statuses == ["0 2 2", "0 2 2"]
    assert not (pair.folder / "none" / "run.json").exists()


def test_a_loss_that_is_no_number_on_one_process_ends_both_and_is_told_once(pair: Pair) -> None:
    assert "step 0: the loss is not finite" in pair.err[0]
    assert "error: " not in pair.err[1]
    assert "Traceback" not in "".join(pair.err)
    assert not (pair.folder / "poisoned" / "encoder.safetensors").exists()


def test_the_first_process_alone_gives_figures(pair: Pair) -> None:
    assert json.loads(pair.out[0].splitlines()[-1])["step"] == STEPS
    assert pair.out[1] == ""


def test_a_run_of_two_processes_sees_what_one_sees(pair: Pair, washers: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(pair.folder / "tiny.toml"))
    once = recipe.model_copy(update={"optimisation": recipe.optimisation.model_copy(update={"steps": 1})})
    alone = train(TrainingRequest(once, washers, tmp_path / "run")).last_metrics()
    together = json.loads((pair.folder / "straight" / "metrics.jsonl").read_text().splitlines()[0])
    assert together["step"] == alone["step"] == 1
    for name in ("loss", "global", "local", "dense", "flaw", "spread"):
        assert together[name] == pytest.approx(alone[name], rel=1e-4), name


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


def test_a_killed_process_ends_the_others_and_the_run_resumes_bit_for_bit(
    pair: Pair, script: Path, washers: Path, tmp_path: Path
) -> None:
    options = [str(pair.folder / "tiny.toml"), "--images", str(washers), "--out", str(tmp_path / "run")]
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
    steps = [json.loads(line)["step"] for line in (run.root / "metrics.jsonl").read_text().splitlines()]
    assert steps == [1, 10, STEPS]
    straight = RunDirectory(pair.folder / "straight")
    assert run.encoder_file.read_bytes() == straight.encoder_file.read_bytes()
