"""What the demonstration says when it cannot begin: one line, and a status other than 0."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--images", "{here}/nowhere"], "nowhere: no such folder: give a folder of images"),
        (["--images", "{here}/empty"], "empty: holds no image"),
        (["--init", "{here}/weights.pth"], "weights.pth: no such file"),
        (["--data", "{here}/file"], "file/line: Not a directory"),
    ],
)
def test_bad_wishes_are_one_line(tmp_path: Path, options: list[str], message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    words = ["--data", str(tmp_path / "data"), *(word.format(here=tmp_path) for word in options)]
    command = [sys.executable, "-m", "deploy.demo", "--once", *words]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    errors = [line for line in answer.stderr.splitlines() if not line.lstrip().startswith("[1/5]")]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert message in errors[0]
