"""Two processes are as one: the same gradients, weights and statistics, and an error is told once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pretrain.distributed import Team
from tests.pretrain.command_line import ROOT
from tests.pretrain.tiny import RECIPE_TOML
from tests.pretrain.two_processes import RECIPES, trained

# Processes of their own import torch again: on a busy machine that takes its time.
pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Pair:
    """What two processes left: their folder, and what each told."""

    folder: Path
    out: list[str]
    err: list[str]


def free_ports(count: int) -> list[str]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in taken]
    for one in taken:
        one.close()
    return ports


@pytest.fixture(scope="module")
def pair(washers: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    (folder / "tiny.toml").write_text(RECIPE_TOML, encoding="utf-8")
    ports = free_ports(3)
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
    return Pair(folder, out, err)


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_give_the_gradients_and_weights_of_one(pair: Pair, name: str) -> None:
    alone = trained(RECIPES[name], Team())
    first, second = (load_file(pair.folder / f"{name}-{rank}.safetensors") for rank in (0, 1))
    assert first.keys() == second.keys() == alone.keys()
    assert {"loss.global", "loss.small", "loss.local", "loss.dense", "loss.flaw", "loss.preserve"} <= alone.keys()
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
    recipe = RECIPES["every-term"]
    parts = RECIPES["in-parts"]
    whole, halves = trained(recipe, Team()), trained(parts, Team())
    name = "gradient.predictor.0.weight"
    assert float((whole[name] - halves[name]).abs().max() / whole[name].abs().max()) > 0.05


def test_an_error_of_the_first_process_ends_both_and_is_told_once(pair: Pair) -> None:
    told = [line for err in pair.err for line in err.splitlines() if line.startswith("error: ")]
    assert len(told) == 2
    assert f"error: {pair.folder / 'empty'}: holds no image: put .bmp, " in told[0]
    assert pair.out == ["statuses 2 2\n", "statuses 2 2\n"]
    assert not (pair.folder / "none" / "run.json").exists()


def test_a_loss_that_is_no_number_on_one_process_ends_both_and_is_told_once(pair: Pair) -> None:
    assert "step 0: the loss is not finite" in pair.err[0]
    assert "error: " not in pair.err[1]
    assert "Traceback" not in "".join(pair.err)
    assert not (pair.folder / "poisoned" / "encoder.safetensors").exists()
