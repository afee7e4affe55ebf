"""The camera program: in order, exactly once, whatever ends it or keeps the service away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inspection.errors import ConfigError, StorageError
from service.camera.backlog import Backlog
from service.camera.folder import Folder
from service.camera.naming import Naming
from service.camera.sending import Stop, Stopped
from service.camera.shown import Shown
from service.camera.watch import Taker
from service.command import app
from tests.bundles import part_png
from tests.running_service import ROOT
from tests.service.camera_side.recorder import Record, answering

PATIENT_S = 60.0


def write(folder: Path, numbers: range) -> list[bytes]:
    """Pictures as a camera writes them: aside, then renamed. Returns their bytes in order."""
    pictures = []
    for number in numbers:
        picture = part_png(number, height_px=32, width_px=32)
        aside = folder / f".part-{number}"
        aside.write_bytes(picture)
        os.utime(aside, (1_700_000_000 + number, 1_700_000_000 + number))
        aside.rename(folder / f"part-{number}.png")
        pictures.append(picture)
    return pictures


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def has_reached(record: Record, count: int) -> bool:
    return len(record.images) >= count


def start(folder: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    """The program as a person starts it, on a folder being watched."""
    words = ["--watch", str(folder), "--to", f"http://127.0.0.1:{port}", "--station", "press-4", *options]
    command = [sys.executable, "-m", "service.camera", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run_once(folder: Path, port: int, *options: str) -> tuple[int, dict[str, int], str]:
    """(exit status, figures, what was said) of a run over a folder."""
    words = ["camera", "--folder", str(folder), "--to", f"http://127.0.0.1:{port}", "--station", "press-4", *options]
    answer = CliRunner().invoke(app, words)
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer.exit_code, json.loads(answer.stdout.splitlines()[-1]), answer.stderr


def test_a_folder_is_posted_by_name_once(tmp_path: Path) -> None:
    pictures, record = write(tmp_path, range(8, 12)), Record()
    with answering(record) as port:
        status, figures, _ = run_once(tmp_path, port)
        assert (status, figures) == (0, {"PASS": 4, "HOLD": 0, "FAIL": 0, "refused": 0, "waiting": 0})
        assert list(record.images.values()) == pictures
        assert run_once(tmp_path, port)[:2] == (0, {"PASS": 0, "HOLD": 0, "FAIL": 0, "refused": 0, "waiting": 0})
    assert record.attempt_count == 4
    assert [fields["part_id"] for fields in record.fields] == ["part-8", "part-9", "part-10", "part-11"]


def test_a_camera_that_lost_its_memory_doubles_nothing(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    record = Record()
    with answering(record) as port:
        for state in ("one", "two"):
            assert run_once(tmp_path, port, "--state", str(tmp_path.parent / state))[1]["PASS"] == 3
    assert (len(record.images), record.attempt_count) == (3, 6)


def test_what_the_service_refuses_is_set_aside_with_its_reason(tmp_path: Path) -> None:
    write(tmp_path, range(2))
    (tmp_path / "part-0.png").write_bytes(part_png() + b"refuse this")
    record = Record()
    with answering(record) as port:
        status, figures, said = run_once(tmp_path, port)
    assert (status, figures["refused"], figures["PASS"]) == (1, 1, 1)
    assert "image: not wanted" in said
    kept, reason = sorted((tmp_path / ".kensa-camera" / "refused").iterdir())
    assert kept.read_bytes().endswith(b"refuse this")
    assert "image: not wanted" in reason.read_text()


def test_pictures_are_removed_after_their_verdict_if_wished(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    with answering(Record()) as port:
        assert run_once(tmp_path, port, "--delete-sent")[0] == 0
    assert list(tmp_path.glob("*.png")) == []


def test_a_wrong_key_costs_no_picture(tmp_path: Path) -> None:
    write(tmp_path, range(1))
    record = Record(status_for_all=401)
    with answering(record) as port:
        with pytest.raises(Exception, match="not now"):
            run_once(tmp_path, port)
        record.status_for_all = None
        assert run_once(tmp_path, port)[1]["PASS"] == 1


def test_killed_at_any_moment_it_doubles_and_loses_nothing(tmp_path: Path) -> None:
    record, written = Record(), []
    with answering(record) as port:
        for life in range(4):
            child = start(tmp_path, port)
            try:
                sent_before = len(record.images)
                written += write(tmp_path, range(20 * life, 20 * life + 20))
                # Each life ends after another number of posts: in the middle of whatever it then does.
                until(partial(has_reached, record, sent_before + 3 * life + 1))
            finally:
                child.kill()
                child.communicate()
        child = start(tmp_path, port)
        until(lambda: len(record.images) == len(written))
        child.send_signal(signal.SIGTERM)
        output, _ = child.communicate(timeout=PATIENT_S)
    assert child.returncode == 0
    assert json.loads(output.splitlines()[-1])["waiting"] == 0
    assert list(record.images.values()) == written
    assert list((tmp_path / ".kensa-camera" / "images").iterdir()) == []


def test_it_keeps_pictures_while_the_service_is_away_and_sends_them_in_order(tmp_path: Path) -> None:
    record = Record()
    with answering(record) as port:
        pass
    child = start(tmp_path, port)
    try:
        pictures = write(tmp_path, range(5))
        buffer = tmp_path / ".kensa-camera" / "images"
        until(lambda: buffer.is_dir() and len([p for p in buffer.iterdir() if p.suffix != ".part"]) == 5)
        # The camera's own software clears its folder meanwhile.
        for path in tmp_path.glob("*.png"):
            path.unlink()
        # Long enough for a post to be refused.
        time.sleep(2)
        with answering(record, port):
            until(lambda: len(record.images) == 5)
            child.send_signal(signal.SIGTERM)
            _, said = child.communicate(timeout=PATIENT_S)
    finally:
        child.kill()
        child.communicate()
    assert list(record.images.values()) == pictures
    assert b"nothing answers at its address" in said
    assert b"the service answers again" in said


def test_two_programs_do_not_share_a_backlog(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path / "state")
    with pytest.raises(ConfigError, match="another camera program"):
        Backlog(tmp_path / "state")
    backlog.close()
    Backlog(tmp_path / "state").close()


def test_a_full_buffer_leaves_pictures_in_their_folder(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    backlog, stop = Backlog(tmp_path / "state"), Stop()
    taker = Taker(Folder(tmp_path), Naming("press-4"), backlog, Shown(backlog.waiting_count), stop, limit_bytes=1)

    def take() -> None:
        with pytest.raises(Stopped):
            taker.take_all()

    thread = threading.Thread(target=take)
    thread.start()
    until(lambda: backlog.waiting_count() == 1)
    shot = backlog.first()
    assert shot is not None
    assert taker.known == {shot.sighting}
    backlog.settle(shot, "PASS")
    until(lambda: backlog.waiting_count() == 1)
    stop.ask()
    thread.join(PATIENT_S)
    assert len(list(tmp_path.glob("*.png"))) == 3
    backlog.close()


def test_the_ledger_forgets_what_left_the_folder(tmp_path: Path) -> None:
    write(tmp_path, range(2))
    backlog, folder = Backlog(tmp_path / "state"), Folder(tmp_path)
    for seen in folder.look():
        picture = folder.read(seen)
        assert picture is not None
        backlog.take_in(picture, Naming("press-4").trigger_of(picture))
    answered = backlog.first()
    assert answered is not None
    backlog.settle(answered, "PASS")
    backlog.forget(backlog.known())
    assert {seen.name for seen in backlog.known()} == {"part-1.png"}
    backlog.close()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--folder", "nowhere"], "nowhere: no such folder"),
        ([], "give one of them"),
        (["--folder", ".", "--names", "("], "names: "),
        (["--folder", ".", "--names", ".*"], "names: has no group"),
        (["--folder", ".", "--key-file", "nowhere"], "nowhere: No such file"),
    ],
)
def test_wrong_options_are_one_line(options: list[str], text: str) -> None:
    answer = CliRunner().invoke(app, ["camera", "--to", "http://127.0.0.1:9", "--station", "press-4", *options])
    assert isinstance(answer.exception, ConfigError)
    assert text in str(answer.exception)


def test_a_state_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file"):
        Backlog(tmp_path / "file" / "state")
