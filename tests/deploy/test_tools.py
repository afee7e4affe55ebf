"""What stands between a fresh clone and the first test: the environment's stamp, and the browser."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deploy.tools import audit, environment, programs, sbom


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own for the set-up, with nothing installed."""
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6\n")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "STAMP", tmp_path / ".venv" / "stamp")
    return tmp_path


def count_installs(monkeypatch: pytest.MonkeyPatch, failure: BaseException | None = None) -> list[Path]:
    """Replace pip; gives back the list of its calls."""
    calls: list[Path] = []

    def install(python: Path) -> None:
        calls.append(python)
        if failure is not None:
            raise failure

    monkeypatch.setattr(environment, "install", install)
    return calls


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements.lock"])
def test_setup_installs_only_what_changed(place: Path, monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    calls = count_installs(monkeypatch)
    assert [environment.main(), environment.main()] == [0, 0]
    assert len(calls) == 1
    (place / changed).write_text("something else\n")
    assert environment.main() == 0
    assert len(calls) == 2


@pytest.mark.usefixtures("place")
def test_an_interrupted_installation_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    count_installs(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        environment.main()
    calls = count_installs(monkeypatch)
    assert environment.main() == 0
    assert len(calls) == 1


@pytest.mark.usefixtures("place")
def test_a_failed_installation_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    count_installs(monkeypatch, subprocess.CalledProcessError(2, ["python", "-m", "pip", "install"]))
    assert environment.main() == 1
    assert capsys.readouterr().err == "setup: pip ended with status 2; its own message is above\n"
    assert not environment.STAMP.exists()


def test_an_old_python_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(environment.sys, "version_info", (3, 10, 4))
    assert environment.main() == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "python3 is 3.10.4; Kensa needs 3.11 or newer" in message


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_only_ci_insists_on_the_programs_that_tests_drive(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ci: str, status: int
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(programs.shutil, "which", lambda name, path: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert programs.main() == status
    told = capsys.readouterr().err
    assert "apt-get install chromium" in told
    assert "apt-get install mosquitto" in told


def fake_program(place: Path, script: str) -> Path:
    program = place / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_the_audit_asks_about_the_lock_and_takes_no_silence(place: Path) -> None:
    program = fake_program(place, f'echo "$@" > {place}/asked; exit 1')
    assert audit.audit(program, place / "requirements.lock") == 1
    asked = (place / "asked").read_text().split()
    assert asked[asked.index("--requirement") + 1] == str(place / "requirements.lock")
    assert "--strict" in asked


def test_the_bill_of_materials_counts_its_packages(place: Path) -> None:
    write = 'while [ "$1" != --output-file ]; do shift; done; echo \'{"components": [{}, {}]}\' > "$2"'
    out = place / "deep" / "sbom.json"
    assert sbom.describe(fake_program(place, write), place / ".venv" / "bin" / "python", out) == 2
    with pytest.raises(subprocess.CalledProcessError):
        sbom.describe(fake_program(place, "exit 1"), place / ".venv" / "bin" / "python", out)
