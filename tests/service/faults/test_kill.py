"""kill -9 in the middle of a shift, at any moment: what a camera was told is there afterwards, with its image."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.running_service import run_service
from tests.service.faults.shift import Shift, assert_all_are_told_again, assert_record_is_sound


@pytest.mark.timeout(3600)
def test_no_verdict_that_was_told_is_lost(tmp_path: Path, bundle: Path, database_url: str, is_full: bool) -> None:
    chance = random.Random(5)
    options = ("--bundle", bundle, "--data", tmp_path / "data", "--database-url", database_url)
    told: dict[str, bytes] = {}
    last: dict[str, bytes] = {}
    kills = 50 if is_full else 2
    for number in range(kills):
        with run_service(*options) as service:
            assert_all_are_told_again(service, last)
            shift = Shift(service, number)
            shift.start()
            time.sleep(chance.uniform(0.0, 1.0))
            service.kill()
            shift.end()
            last = shift.told
            told |= last
    with run_service(*options) as service:
        assert_all_are_told_again(service, last if is_full else told)
        stored_count = assert_record_is_sound(service.database, tmp_path / "data" / "images")
        with service.client() as client:
            assert client.get("/health/ready").status_code == 200
        assert service.stop() in (0, -15)
    assert stored_count >= len(told) >= kills


def test_a_stop_finishes_what_was_accepted(tmp_path: Path, bundle: Path, database_url: str) -> None:
    with run_service("--bundle", bundle, "--data", tmp_path / "data", "--database-url", database_url) as service:
        shift = Shift(service, "stop")
        shift.start()
        assert service.stop() in (0, -15)
        shift.end()
        stored_count = assert_record_is_sound(service.database, tmp_path / "data" / "images")
        # One camera has at most one image under way, and an image that was taken was answered.
        assert len(shift.told) == stored_count
