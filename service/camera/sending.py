"""Sending the backlog: the oldest first, one after the other, each until it has its verdict."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.camera.backlog import Backlog, Shot
from service.camera.folder import Folder, Sighting
from service.camera.shown import Shown
from service.client import Answer, Client, Refused, StrangeAnswer

# These are about the picture or its fields. All else (a wrong key, a wrong address, a maintenance page) is about the
# way to the service: it can be mended, and the picture waits for that.
_ABOUT_THE_PICTURE = frozenset({400, 413, 415, 422})
_PAUSE_S = 5.0


class Stopped(Exception):
    """The camera was asked to end."""


class Stop:
    """Ends every wait of the camera's threads at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """End as soon as what is being done is safe."""
        self._asked.set()

    def wait(self, seconds: float) -> None:
        """Sleep. Raises Stopped where the end was asked for."""
        if self._asked.wait(seconds):
            raise Stopped


@dataclass(frozen=True, slots=True)
class Sender:
    """Takes pictures from the backlog to the service. `delete_sent` removes each from its folder after its verdict.

    `gives_up` lets a service that cannot be used end the run; otherwise the sender waits for its return for ever.
    """

    client: Client
    backlog: Backlog
    folder: Folder
    shown: Shown
    stop: Stop
    delete_sent: bool = False
    gives_up: bool = False

    def delete_answered(self) -> None:
        """Remove pictures whose verdict was known when an earlier run ended, but that it had not come to remove."""
        for seen in self.backlog.answered():
            self._delete(seen)

    def send_all(self, is_complete: Callable[[], bool]) -> None:
        """Send until nothing waits and nothing more will come. Raises Stopped, StorageError or ClientError."""
        while True:
            # Asked before looking: what is taken in between is found by the next look.
            was_complete = is_complete()
            shot = self.backlog.first()
            if shot is not None:
                self._send(shot)
            elif was_complete:
                return
            else:
                self.stop.wait(0.05)

    def _send(self, shot: Shot) -> None:
        try:
            image = shot.image.read_bytes()
        except FileNotFoundError:
            self._set_aside(shot, "its image has vanished from the backlog")
            return
        started = time.monotonic()
        answer = self._inspect(shot, image)
        if answer is None:
            return
        self.backlog.settle(shot, answer.verdict.value)
        if self.delete_sent:
            self._delete(shot.sighting)
        self.shown.answered(answer, time.monotonic() - started, self.backlog.waiting_count())

    def _inspect(self, shot: Shot, image: bytes) -> Answer | None:
        """The answer; None where the picture was refused and set aside, or is to be tried again."""
        try:
            return self.client.inspect(image, shot.trigger)
        except Refused as refusal:
            if refusal.status in _ABOUT_THE_PICTURE:
                self._set_aside(shot, str(refusal))
                return None
            problem: Refused | StrangeAnswer = refusal
        except StrangeAnswer as strange:
            problem = strange
        if self.gives_up:
            raise problem
        self.shown.away(str(problem))
        self.stop.wait(_PAUSE_S)
        return None

    def _delete(self, seen: Sighting) -> None:
        try:
            self.folder.remove(seen)
        except OSError as error:
            self.shown.trouble(f"{self.folder.root / seen.name}: {error.strerror}, so it stays there")

    def _set_aside(self, shot: Shot, reason: str) -> None:
        kept = self.backlog.set_aside(shot, reason)
        self.shown.refused(shot.trigger.part_id, reason, kept)
