"""Pictures to train on, and one thread for torch: sums come out the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrain.run_directory import RunDirectory
from pretrain.train import TrainingRequest, train
from tests.pretrain.stopping import RECIPE
from tests.pretrain.washers import write_washers
from tests.torch_threads import one_torch_thread

__all__ = ["one_torch_thread"]


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
