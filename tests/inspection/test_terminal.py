"""What a command says, and to whom: people read standard error and a table, scripts the last line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from inspection.errors import ConfigError
from inspection.terminal import emit_figures, progress_bar, run_command_line, say, show_table, track

ROOT = Path(__file__).resolve().parents[2]


def test_figures_are_the_last_line_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    say("almost done")
    show_table("Results", ["set", "AUROC"], [["mtd", 0.91234], ["screw", None]])
    emit_figures({"image_auroc": 0.91234, "name": "検査", "none": None})
    output = capsys.readouterr()
    assert json.loads(output.out.splitlines()[-1]) == {"image_auroc": 0.91234, "name": "検査", "none": None}
    assert "almost done" in output.err
    assert "almost done" not in output.out


def test_figures_that_json_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        emit_figures({"image_auroc": float("nan")})


def test_a_table_shows_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("Results of [mtd]", ["part", "score [mm]"], [["part[1].png", 0.123456], ["[/b]", None], ["n", 12]])
    lines = capsys.readouterr().out.splitlines()
    assert "Results of [mtd]" in lines[0]
    assert any("part[1].png" in line and "0.1235" in line for line in lines)
    assert any("[/b]" in line and " - " in line for line in lines)
    assert any("score [mm]" in line for line in lines)


def test_a_long_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/plant/" + "line-4/" * 60 + "part [7] :smile:.png"
    say(f"error: {path}: cut short")
    assert capsys.readouterr().err == f"error: {path}: cut short\n"


def test_track_gives_everything_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(iter("abc"), "reading {lot} [1]", 3)) == ["a", "b", "c"]
    output = capsys.readouterr()
    assert "reading {lot} [1]" in output.err
    assert "100%" in output.err
    assert output.out == ""


def test_a_bar_shows_unit_and_note(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("training", 10, unit="steps") as advance:
        advance(4)
        advance(note="loss [0.5]")
    shown = capsys.readouterr().err
    assert "5/10" in shown
    assert "steps" in shown
    assert "loss [0.5]" in shown


def test_an_error_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise ConfigError("small.toml: unknown key a.b", "remove the key")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as caught:
        patch.setattr(sys, "argv", ["kensa"])
        run_command_line(app)
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: small.toml: unknown key a.b: remove the key\n"


def test_a_user_sees_no_traceback() -> None:
    code = (
        "import typer\n"
        "from inspection.errors import DatasetError\n"
        "from inspection.terminal import run_command_line\n"
        "app = typer.Typer()\n"
        "@app.command()\n"
        "def fail():\n"
        "    raise DatasetError('parts: no such folder', 'give a folder of images')\n"
        "run_command_line(app)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr == "error: parts: no such folder: give a folder of images\n"
    assert answer.stdout == ""


def test_a_command_that_goes_well_ends_with_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()
    app.command()(lambda: emit_figures({"parts": 3}))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as caught:
        patch.setattr(sys, "argv", ["kensa"])
        run_command_line(app)
    assert caught.value.code in (0, None)
    assert capsys.readouterr().out == '{"parts": 3}\n'
