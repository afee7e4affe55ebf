"""kill -9 in the middle of a shift: every verdict that a camera was told is there afterwards, with its image."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx

from tests.bundles import part_png
from tests.running_service import RunningService, run_service
from tests.service.camera import post

IMAGES = [part_png(seed, spot=spot) for seed, spot in enumerate((0.0, 0.36, 0.9, 0.0, 0.5))]


class Shift:
    """Cameras that post until the service is gone; `told` is what they were answered."""

    def __init__(self, service: RunningService, enough: int) -> None:
        self.service, self.enough = service, enough
        self.told: dict[str, bytes] = {}
        self.has_enough = threading.Event()
        self.cameras = [threading.Thread(target=self._post, args=(number,)) for number in range(4)]

    def _post(self, camera: int) -> None:
        with self.service.client() as client:
            for number in range(10_000):
                trigger = f"{camera}-{number}"
                try:
                    answer = post(client, trigger, IMAGES[number % len(IMAGES)])
                except httpx.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                self.told[trigger] = answer.content
                if len(self.told) >= self.enough:
                    self.has_enough.set()


def test_no_verdict_that_was_told_is_lost(tmp_path: Path, bundle: Path, database_url: str) -> None:
    options = ("--bundle", bundle, "--data", tmp_path / "data", "--database-url", database_url)
    with run_service(*options) as service:
        shift = Shift(service, enough=40)
        for camera in shift.cameras:
            camera.start()
        assert shift.has_enough.wait(90), b"".join(service.log)
        service.kill()
        for camera in shift.cameras:
            camera.join(60)
    assert len(shift.told) >= 40
    with run_service(*options) as service, service.client() as client:
        for trigger, told in shift.told.items():
            image = IMAGES[int(trigger.partition("-")[2]) % len(IMAGES)]
            again = post(client, trigger, part_png(999))
            assert (again.status_code, again.content) == (200, told)
            assert client.get(again.json()["links"]["image"]).content == image
        # What was under way is either on record, or the camera sends it again.
        assert client.get("/api/v1/summary").json()["stored"] >= len(shift.told)
        assert service.stop() in (0, -15)
