"""Pictures to train on, and one thread for torch: sums come out the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from tests.pretrain.stopping import RECIPE
from tests.pretrain.washers import write_washers


@pytest.fixture(autouse=True, scope="session")
def one_torch_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def washers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 16 washers, all of one lot."""
    folder = tmp_path_factory.mktemp("washers")
    write_washers(folder, range(16))
    return folder


@pytest.fixture(scope="session")
def finished(washers: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run that was never stopped."""
    return train(TrainingRequest(RECIPE, washers, tmp_path_factory.mktemp("runs") / "straight"))
