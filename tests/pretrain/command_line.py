"""A command as its user sees it: exit status, standard output and standard error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from inspection.terminal import run_command_line

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str

    @property
    def figures(self) -> dict[str, Any]:
        """The last line of standard output."""
        figures: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return figures

    @property
    def error(self) -> str:
        """The one line that a user's error is told in."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1
        assert "Traceback" not in self.err
        return lines[0]


def call(
    app: typer.Typer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str | Path
) -> Answer:
    """Run a command line within this process."""
    monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        run_command_line(app)
    told = capsys.readouterr()
    status = ended.value.code or 0
    assert isinstance(status, int)
    return Answer(status, told.out, told.err)


def run(*arguments: str | Path) -> Answer:
    """Run `python ARGUMENTS` as a process of its own."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, env=os.environ, check=False
    )
    return Answer(done.returncode, done.stdout, done.stderr)
