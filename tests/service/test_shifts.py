"""Shifts on the plant's own clock, and settings that are refused."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from inspection.errors import ConfigError
from service.settings import read_settings
from service.shifts import Shifts

THREE = (time(6), time(14), time(22))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("starts", "zone", "moment", "start", "end"),
    [
        (THREE, "UTC", "2026-11-23T06:00+00:00", "2026-11-23T06:00+00:00", "2026-11-23T14:00+00:00"),
        (THREE, "UTC", "2026-11-23T05:59+00:00", "2026-11-22T22:00+00:00", "2026-11-23T06:00+00:00"),
        (THREE, "Asia/Tokyo", "2026-11-22T21:30+00:00", "2026-11-22T21:00+00:00", "2026-11-23T05:00+00:00"),
        ((time(7, 30),), "Asia/Kolkata", "2026-11-23T02:00+00:00", "2026-11-23T02:00+00:00", "2026-11-24T02:00+00:00"),
        # The night in which Berlin's clocks are put back lasts an hour longer.
        (THREE, "Europe/Berlin", "2026-10-25T03:00+00:00", "2026-10-24T20:00+00:00", "2026-10-25T05:00+00:00"),
    ],
)
def test_the_shift_that_is_on(starts: tuple[time, ...], zone: str, moment: str, start: str, end: str) -> None:
    shift = Shifts(starts, ZoneInfo(zone)).at(instant(moment))
    assert (shift.start, shift.end) == (instant(start), instant(end))
    assert shift.start.tzinfo is UTC


def test_settings_name_the_shifts(tmp_path: Path) -> None:
    shifts = read_settings(data=tmp_path, shift_starts="05:30,17:30", time_zone="Asia/Tokyo").shifts
    assert shifts == Shifts((time(5, 30), time(17, 30)), ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"shift_starts": "14:00,06:00"}, "ascending"),
        ({"shift_starts": "24:00"}, "KENSA_SHIFT_STARTS"),
        ({"shift_starts": ""}, "shift_starts"),
        ({"time_zone": "Asia/Tokio"}, "no time zone"),
        ({"time_zone": "../../etc/passwd"}, "no time zone"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused_in_one_line(tmp_path: Path, option: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as refused:
        read_settings(data=tmp_path, **option)
    assert "\n" not in str(refused.value)
