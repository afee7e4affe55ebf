"""A plant with a day's parts, made once and copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.nightly.plant import Plant, build_plant, open_plant


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The plant's folder, and of how many parts it is."""
    root = tmp_path_factory.mktemp("plants") / "plant"
    made = build_plant(root)
    made.add_golden()
    made.add_parts(20, lot="L-1")
    made.add_parts(10, lot="L-2")
    made.database.close()
    return root, made.count


@pytest.fixture
def plant(template: tuple[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """With 30 good parts of two lots and a golden set; the fake trainer does as it is told."""
    root, count = template
    monkeypatch.setenv("FAKE_HOME", str(tmp_path))
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    opened = open_plant(tmp_path, count)
    yield opened
    opened.database.close()


@pytest.fixture
def either_plant(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """The same on SQLite and on PostgreSQL."""
    monkeypatch.setenv("FAKE_HOME", str(tmp_path))
    made = build_plant(tmp_path, database_url)
    made.add_golden()
    made.add_parts(20, lot="L-1")
    made.add_parts(10, lot="L-2")
    yield made
    made.database.close()
