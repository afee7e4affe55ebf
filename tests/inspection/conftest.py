"""Bundles for the tests of the core."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bundles import make_bundle


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that no test touches."""
    directory = tmp_path_factory.mktemp("built") / "bundle"
    make_bundle(directory)
    return directory


@pytest.fixture
def bundle(built: Path, tmp_path: Path) -> Path:
    """A bundle of the test's own."""
    return Path(shutil.copytree(built, tmp_path / "bundle"))
