"""One small teacher and one bundle of it for all tests; and one thread for torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from distill.build import BuildRequest, build
from inspection.bundle.manifest import Manifest
from pretrain.train import TrainingRequest, train
from tests.distill.small import DISTILL_RECIPE
from tests.pretrain.tiny import tiny_recipe
from tests.pretrain.washers import write_washers
from tests.torch_threads import one_torch_thread

__all__ = ["one_torch_thread"]


@dataclass(frozen=True)
class Built:
    """A bundle with what it was made from."""

    images: Path
    teacher: Path
    bundle: Path
    manifest: Manifest


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Made once; no test touches it."""
    root = tmp_path_factory.mktemp("distilled")
    write_washers(root / "images", range(28))
    recipe = tiny_recipe(dense_weight=1.0, flaw_weight=1.0)
    train(TrainingRequest(recipe, root / "images", root / "teacher"))
    request = BuildRequest(DISTILL_RECIPE, root / "teacher", root / "images", root / "bundle")
    return Built(root / "images", root / "teacher", root / "bundle", build(request))


@pytest.fixture(scope="session")
def washers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 16 washers, all of one lot."""
    folder = tmp_path_factory.mktemp("washers")
    write_washers(folder, range(16))
    return folder
