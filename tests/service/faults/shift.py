"""Cameras that post until the service is gone, and what is on record afterwards."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
from sqlalchemy import select

from inspection.images.digest import sha256_of_file
from service.db.engine import Database
from service.db.tables import StoredInspection
from service.images.local_store import LocalImageStore
from tests.bundles import part_png
from tests.running_service import RunningService
from tests.service.camera import post

IMAGES = [part_png(seed, spot=spot) for seed, spot in enumerate((0.0, 0.36, 0.9, 0.0, 0.5))]


class Shift:
    """Four cameras. `told` is what they were answered, byte for byte, by trigger."""

    def __init__(self, service: RunningService, name: object) -> None:
        self.service, self.name = service, name
        self.told: dict[str, bytes] = {}
        self.has_begun = threading.Event()
        self.wrong: list[str] = []
        self.cameras = [threading.Thread(target=self._post, args=(number,)) for number in range(4)]

    def start(self) -> None:
        """Returns when the first camera has an answer."""
        for camera in self.cameras:
            camera.start()
        assert self.has_begun.wait(90), b"".join(self.service.log)

    def end(self) -> None:
        """Wait for all cameras to notice that the service is gone."""
        for camera in self.cameras:
            camera.join(90)
        assert self.wrong == []

    def _post(self, camera: int) -> None:
        with self.service.client() as client:
            for number in range(100_000):
                trigger = f"{self.name}-{camera}-{number}"
                # Each picture is new, so that a file that is lost cannot be another trigger's.
                image = IMAGES[number % len(IMAGES)] + trigger.encode()
                try:
                    answer = post(client, trigger, image)
                except httpx.TransportError:
                    return
                if answer.status_code != 201:
                    self.wrong.append(answer.text)
                    return
                self.told[trigger] = answer.content
                self.has_begun.set()


def assert_all_are_told_again(service: RunningService, told: dict[str, bytes]) -> None:
    """Every verdict that was told comes back byte for byte, with its image, and a retry gets it too."""
    with service.client() as client:
        for number, (trigger, answer) in enumerate(told.items()):
            links = httpx.Response(200, content=answer).json()["links"]
            assert client.get(links["self"]).content == answer
            if number % 10 == 0:
                again = post(client, trigger, part_png(999))
                assert (again.status_code, again.content) == (200, answer)
                image = IMAGES[int(trigger.rpartition("-")[2]) % len(IMAGES)] + trigger.encode()
                assert client.get(links["image"]).content == image


def assert_record_is_sound(database: Database, images: Path) -> int:
    """No trigger twice, and every image that is referenced is there and whole; how many inspections there are."""
    with database.reading() as session:
        rows = session.execute(
            select(
                StoredInspection.trigger_id,
                StoredInspection.image_sha256,
                StoredInspection.heat_map_sha256,
            )
        ).all()
    triggers = [row.trigger_id for row in rows]
    assert len(triggers) == len(set(triggers))
    for sha256 in {name for row in rows for name in (row.image_sha256, row.heat_map_sha256) if name}:
        assert sha256_of_file(LocalImageStore(images).path_of(sha256)) == sha256
    return len(rows)
