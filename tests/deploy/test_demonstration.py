"""The orchestrator with stand-ins for the product's commands; the real thread is tests/end_to_end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.demo.demonstration import Wishes, demonstrate, folder_for
from deploy.demo.line import LinePlan
from deploy.demo.processes import ProcessGroup
from deploy.demo.station import StationError, choose_port
from deploy.demo.training import Programs, StageFailed
from inspection.errors import ConfigError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TRAINING = (sys.executable, str(HERE / "fake_training.py"))
PROGRAMS = Programs(TRAINING, TRAINING, (sys.executable, str(HERE / "fake_service.py")))
PLAN = LinePlan(seed=4, training_count=4, training_defect_rate=0.0, stream_count=4, stream_defect_rate=0.5)

Demo = Callable[..., dict[str, Any]]


def wishes(data: Path, **changes: Any) -> Wishes:
    """A small demonstration that ends after the camera."""
    asked: dict[str, Any] = {
        "images": None, "once": True, "port": None, "minutes": 0.5, "data": data, "init": "none", "plan": PLAN,
    }  # fmt: skip
    return Wishes(**(asked | changes))


@pytest.fixture
def demo(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Demo:
    """Run a demonstration; gives back the JSON of its last line."""

    def run(programs: Programs = PROGRAMS, **changes: Any) -> dict[str, Any]:
        with ProcessGroup() as processes:
            demonstrate(wishes(tmp_path, **changes), programs, processes)
        figures: dict[str, Any] = json.loads(capfd.readouterr().out.splitlines()[-1])
        return figures

    return run


def commands(data: Path) -> list[list[str]]:
    """The options with which the stand-ins for training were called."""
    return [json.loads(line) for line in (data / "line" / "commands.jsonl").read_text().splitlines()]


def test_the_last_line_is_the_figures(demo: Demo, tmp_path: Path) -> None:
    figures = demo()
    assert set(figures) == {"posted", "pass", "hold", "fail", "stored", "image_auroc", "seconds"}
    assert set(figures["seconds"]) == {"pretrain", "distill"}
    assert (figures["posted"], figures["stored"], figures["pass"]) == (4, 4, 4)
    assert figures["image_auroc"] == 0.5
    pretrain, distill = commands(tmp_path)
    folder = tmp_path / "line"
    images = ["--images", str(folder / "line" / "train")]
    assert pretrain == ["train", "demo", *images, "--out", str(folder / "run"), "--minutes", "0.5"]
    expected = ["build", "--teacher", str(folder / "run"), *images, "--out", str(folder / "bundle")]
    assert distill == [*expected, "--minutes", "0.5"]


def test_a_second_run_reuses_what_stands(demo: Demo, tmp_path: Path) -> None:
    first, second = demo(), demo()
    assert len(commands(tmp_path)) == 2
    assert second["seconds"] == first["seconds"]
    assert second["stored"] == 4


def test_other_options_train_again(demo: Demo, tmp_path: Path) -> None:
    demo()
    demo(minutes=0.7)
    assert [words[0] for words in commands(tmp_path)] == ["train", "build", "train", "build"]
    assert "--resume" not in commands(tmp_path)[2]


def test_an_interrupted_training_is_resumed(demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_TRAINING", "fail")
    with pytest.raises(StageFailed, match="pretrain: ended with status 3"):
        demo()
    monkeypatch.delenv("FAKE_TRAINING")
    demo()
    assert ["--resume" in words for words in commands(tmp_path)] == [False, True, False]


def test_a_service_that_ends_is_told_with_its_last_words(demo: Demo) -> None:
    ending = (sys.executable, "-c", "raise SystemExit('error: bundle: tampered')")
    with pytest.raises(StationError, match=r"ended with status 1 \(error: bundle: tampered\)"):
        demo(Programs(TRAINING, TRAINING, ending))


def test_two_demonstrations_do_not_share_a_folder(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "line"
    folder.mkdir()
    holds = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); print('held', flush=True); input()"
    command = [sys.executable, "-c", holds, str(folder / "in-use.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match="another demo works here"):
            demo()
        holder.communicate("\n")


def test_a_taken_port_is_an_error_only_when_it_was_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}: taken"):
            choose_port(port)
        assert choose_port(None) != port


def test_each_folder_of_pictures_has_its_own_place(tmp_path: Path) -> None:
    places = {folder_for(tmp_path, images) for images in (None, tmp_path / "a" / "x", tmp_path / "b" / "x")}
    assert len(places) == 3
    assert all(place.parent == tmp_path for place in places)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ending_the_command_in_training_leaves_no_process(number: signal.Signals, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from deploy.demo.processes import ProcessGroup, Stopped\n"
        "from deploy.demo.demonstration import demonstrate\n"
        "from tests.deploy.test_demonstration import PROGRAMS, wishes\n"
        "try:\n"
        "    with ProcessGroup() as processes: demonstrate(wishes(Path(sys.argv[1])), PROGRAMS, processes)\n"
        "except Stopped: sys.exit(42)\n"
    )
    environment = dict(os.environ, FAKE_TRAINING="hang", PYTHONPATH=str(ROOT))
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as demonstration:
        pids = tmp_path / "line" / "hanging.pid"
        while not (pids.exists() and len(pids.read_text().split()) == 2):
            assert demonstration.poll() is None
            time.sleep(0.05)
        demonstration.send_signal(number)
        assert demonstration.wait() == 42
    left = [int(word) for word in pids.read_text().split() if psutil.pid_exists(int(word))]
    assert [pid for pid in left if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE] == []
