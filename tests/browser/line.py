"""A shift on a line, for the pages to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx

from inspection.images.decode import encode_png
from tests.browser.flanges import flange_picture
from tests.running_service import RunningService

SHIFT_START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
KINDS = (None, None, "scratch", None, "dent", None, "stain", "scratch", None, "undrilled", "stain", "dent")


def post_shift(service: RunningService, part_count: int = 36) -> None:
    """Post `part_count` flanges, sound and not, and one file that is no image."""
    with service.client() as camera:
        for number in range(part_count):
            picture = encode_png(flange_picture(300 + number, KINDS[number % len(KINDS)]))
            _post(camera, number, picture)
        _post(camera, part_count, b"not an image")


def _post(camera: httpx.Client, number: int, picture: bytes) -> None:
    moment = SHIFT_START + timedelta(seconds=7 * number)
    answer = camera.post(
        "/api/v1/inspections",
        data={
            "station": "press-3" if number % 2 else "press-4",
            "part_id": f"KN-40-{381 + number:06d}",
            "lot": f"L2611-{7 + number // 20:02d}",
            "trigger_id": f"2026-11-23/{number:05d}",
            "captured_at": moment.isoformat(),
        },
        files={"image": ("part.png", picture)},
    )
    assert answer.status_code == 201, answer.text
