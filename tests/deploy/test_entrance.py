"""The demonstration's own key and link, with a stand-in for the service; the real commands are in tests/service."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy.demo.entrance import make_camera_key, make_sign_in_link
from deploy.demo.station import StationError
from deploy.demo.training import Programs
from tests.deploy.test_demonstration import PROGRAMS


def test_the_camera_gets_a_key(tmp_path: Path) -> None:
    assert make_camera_key(PROGRAMS, tmp_path, "demo-camera-1") == "kensa-key-fake"


def test_who_is_not_there_yet_is_added_and_gets_the_link(tmp_path: Path) -> None:
    assert make_sign_in_link(PROGRAMS, tmp_path, "http://127.0.0.1:8080") == "http://127.0.0.1:8080/sign-in#fake"


def test_a_refusal_is_told_in_its_own_words(tmp_path: Path) -> None:
    programs = Programs((), (), (sys.executable, "-c", "raise SystemExit('error: disk full')"))
    with pytest.raises(StationError, match="service stations key: error: disk full"):
        make_camera_key(programs, tmp_path, "demo-camera-1")
