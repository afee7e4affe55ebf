"""What is published: one version everywhere, and nothing of the machines it was made on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, project_files

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|farm|opt)/\w")
PACKAGE_INDEX = re.compile(
    r"--(?:extra-)?index-url|(?:extra[-_])?index[-_]url\s*=|files\.pythonhosted|pypi\.org/simple"
)
THIS_FILE = Path(__file__).resolve()


def offences(pattern: re.Pattern[str], text: str) -> list[str]:
    """Lines of `text` in which `pattern` occurs."""
    return [line.strip()[:160] for line in text.splitlines() if pattern.search(line)]


def text_files() -> list[tuple[Path, str]]:
    """Every project file that is UTF-8 text, this one excepted since it spells the patterns out."""
    found = []
    for path in project_files():
        content = path.read_bytes()
        if path != THIS_FILE and b"\0" not in content[:8192]:
            found.append((path, content.decode("utf-8")))
    return found


@pytest.mark.parametrize("pattern", [MACHINE_PATH, PACKAGE_INDEX], ids=["machine path", "package index"])
def test_no_file_names_a_machine(pattern: re.Pattern[str]) -> None:
    files = text_files()
    assert files
    assert [f"{path.relative_to(ROOT)}: {line}" for path, text in files for line in offences(pattern, text)] == []


def test_machine_paths_are_noticed() -> None:
    assert offences(MACHINE_PATH, "data = '/" + "work/images'") == ["data = '/" + "work/images'"]
    assert offences(MACHINE_PATH, "see ../shared/work/images and site.org/" + "work/x") == []


def test_changelog_names_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == version


def test_lock_has_no_addresses() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert lines
    assert [line for line in lines if "://" in line or not re.match(r"^[\w.-]+==[\w.+!]+( ; .+)?$", line)] == []
