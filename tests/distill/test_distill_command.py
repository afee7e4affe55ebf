"""`python -m distill build` and `evaluate`, as a person calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.__main__ import app
from inspection.bundle.reader import open_bundle
from tests.distill.conftest import Built
from tests.distill.small import DISTILL_TOML
from tests.pretrain.command_line import call
from tests.pretrain.washers import write_washers


def test_build_and_evaluate_end_with_one_line_of_figures(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.toml").write_text(DISTILL_TOML, encoding="utf-8")
    options: list[str | Path] = ["--teacher", built.teacher, "--images", built.images, "--out", tmp_path / "bundle"]
    answer = call(app, capsys, monkeypatch, "build", *options, "--recipe", tmp_path / "own.toml", "--minutes", "0.05")
    assert answer.status == 0
    assert answer.figures["bundle"] == str(tmp_path / "bundle")
    assert answer.figures["bundle_id"] == open_bundle(tmp_path / "bundle", threads=1).bundle_id
    assert set(answer.figures["metrics"]) == {"teacher", "student", "onnx"}
    assert answer.figures["parity"]["verdict_flip_count"] == 0
    assert "distilling" in answer.err
    assert "note: calibrated on the lots it was trained on" in answer.err

    write_washers(tmp_path / "labeled" / "test" / "good", range(500, 504))
    write_washers(tmp_path / "labeled" / "test" / "blot", range(504, 508), flaw=True)
    answer = call(app, capsys, monkeypatch, "evaluate", tmp_path / "bundle", "--images", tmp_path / "labeled")
    assert answer.status == 0
    assert set(answer.figures["by_defect"]) == {"blot"}
    assert sum(answer.figures[verdict] for verdict in ("pass", "hold", "fail")) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["build", "--teacher", "{missing}", "--images", "{images}", "--out", "{out}"],
            "missing: no run here: start one",
        ),
        (
            ["build", "--teacher", "{teacher}", "--images", "{missing}", "--out", "{out}"],
            "missing: no such folder: give",
        ),
        (
            ["build", "--teacher", "{teacher}", "--images", "{images}", "--out", "{images}"],
            "images: is there already and is no bundle: choose another folder",
        ),
        (
            ["build", "--teacher", "{teacher}", "--images", "{images}", "--out", "{out}", "--recipe", "big"],
            "big: no such recipe: give one of base, nano, small",
        ),
        (["evaluate", "{missing}", "--images", "{images}"], "images: has no test folder: give a folder with test/good"),
        (["evaluate", "{missing}", "--images", "{labeled}"], "missing: no bundle here: build one with"),
    ],
)
def test_a_users_error_is_one_line(
    arguments: list[str],
    message: str,
    built: Built,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_washers(tmp_path / "labeled" / "test" / "good", range(1))
    places = {name: tmp_path / name for name in ("missing", "out", "labeled")}
    filled = [argument.format(**places, images=built.images, teacher=built.teacher) for argument in arguments]
    answer = call(app, capsys, monkeypatch, *filled)
    assert answer.status == 2
    assert message in answer.error
    assert answer.out == ""
    assert not (tmp_path / "out").exists()
