"""The command line: it refuses in one line, or it serves until it is stopped."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from inspection.terminal import run_command_line
from service.command import app
from tests.running_service import run_service
from tests.service.camera import posted


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What the command says when it refuses."""
    monkeypatch.setattr(sys, "argv", ["service", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        run_command_line(app)
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


def test_a_missing_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(
        monkeypatch, capsys, "serve", "--bundle", tmp_path / "none", "--data", tmp_path / "data", "--port", 0
    )
    assert str(tmp_path / "none") in said
    assert not (tmp_path / "data").exists()


def test_a_tampered_bundle(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tampered = tmp_path / "tampered"
    shutil.copytree(bundle, tampered)
    student = tampered / "student.onnx"
    student.write_bytes(student.read_bytes() + b"\0")
    said = refusal(monkeypatch, capsys, "serve", "--bundle", tampered, "--data", tmp_path / "data", "--port", 0)
    assert "student.onnx: is not the file the manifest names" in said


def test_a_port_in_use(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(monkeypatch, capsys, "serve", "--bundle", bundle, "--data", tmp_path, "--port", port)
    assert f"port {port}: is in use" in said


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["serve"], "--data"),
        (["serve", "--data", "DATA"], "--bundle"),
        (["serve", "--data", "DATA", "--bundle", "BUNDLE", "--port", "70000"], "--port"),
        (["serve", "--data", "DATA", "--bundle", "BUNDLE", "--port", "0", "--host", "300.1.1.1"], "--host"),
        (["migrate", "--data", "DATA", "--database-url", "mysql://host/kensa"], "mysql"),
        (["migrate", "--data", "DATA", "--database-url", "nonsense"], "database_url"),
        (["migrate", "--data", "DATA", "--database-url", "postgresql://nobody@127.0.0.1:1/kensa"], "127.0.0.1"),
        (["migrate", "--data", "FILE"], "FILE"),
    ],
    ids=" ".join,
)
def test_wrong_options(
    tmp_path: Path,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    named: str,
) -> None:
    (tmp_path / "FILE").write_text("a file where a directory should be")
    places = {"DATA": tmp_path / "data", "BUNDLE": bundle, "FILE": tmp_path / "FILE"}
    assert named in refusal(monkeypatch, capsys, *(places.get(word, word) for word in words))


def test_a_password_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "postgresql://kensa:geheim@127.0.0.1:1/kensa"
    assert "geheim" not in refusal(monkeypatch, capsys, "migrate", "--data", tmp_path, "--database-url", url)


def test_options_come_from_the_environment_too(tmp_path: Path, bundle: Path) -> None:
    environment = {"KENSA_DATA": str(tmp_path / "data"), "KENSA_BUNDLE": str(bundle), "KENSA_LOG_FORMAT": "json"}
    with run_service(environment=environment) as service:
        with service.client() as client:
            body = posted(client, 1, spot=0.9)
            assert client.get(body["links"]["self"]).json() == body
        assert (tmp_path / "data" / "kensa.db").is_file()
        assert service.stop() in (0, -15)
        service.reader.join(30)
    events = [json.loads(line) for line in service.log[1:]]
    assert any("shutdown complete" in event["event"] for event in events)


def test_migrate_brings_a_database_up_to_date(tmp_path: Path, database_url: str) -> None:
    command = [sys.executable, "-m", "service", "migrate", "--data", str(tmp_path), "--database-url", database_url]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "is up to date" in answer.stderr


def test_the_service_loads_no_torch() -> None:
    code = "import sys, service.app, service.command; print(sorted({name.split('.')[0] for name in sys.modules}))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'fastapi'" in answer.stdout
    for module in ("torch", "torchvision", "timm", "onnx", "pretrain", "distill"):
        assert f"'{module}'" not in answer.stdout
