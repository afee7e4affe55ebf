"""The camera program: one thread takes pictures in, another sends them, and neither waits for the other."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from inspection.errors import StorageError
from service.camera.backlog import Backlog
from service.camera.folder import Folder, Sighting
from service.camera.naming import Naming
from service.camera.sending import Sender, Stop, Stopped
from service.camera.shown import Shown

_LOOK_EVERY_S = 0.2
_TRY_AGAIN_AFTER_S = 5.0
_FORGET_EVERY_S = 600.0


@dataclass
class Taker:
    """Takes finished pictures of a folder into the backlog, up to `limit_bytes` of images waiting.

    Beyond the limit, and while the disk is full, pictures stay in their folder and are taken in later.
    """

    folder: Folder
    naming: Naming
    backlog: Backlog
    shown: Shown
    stop: Stop
    limit_bytes: int
    known: set[Sighting] = field(default_factory=set)
    _forgotten_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.known = self.backlog.known()

    def take_all(self) -> None:
        """Take in what is there now, and wait for what is not finished yet. Raises Stopped."""
        while self.look():
            self.stop.wait(_LOOK_EVERY_S)

    def watch(self) -> None:
        """Take in what comes, until stopped: raises Stopped."""
        while True:
            started = time.monotonic()
            self.look()
            # A folder of very many pictures is not looked at all the time.
            self.stop.wait(max(_LOOK_EVERY_S, 4 * (time.monotonic() - started)))

    def look(self) -> bool:
        """Take in what is finished; is there anything left that is not? Raises Stopped."""
        try:
            found = self.folder.look()
            self._forget(found)
            left = False
            for seen in found:
                if seen not in self.known:
                    left |= not self._take_in(seen)
        except (OSError, StorageError) as error:
            self.shown.trouble(f"{error}; trying again")
            self.stop.wait(_TRY_AGAIN_AFTER_S)
            return True
        return left

    def _take_in(self, seen: Sighting) -> bool:
        while self.backlog.waiting_bytes() > self.limit_bytes:
            self.stop.wait(_LOOK_EVERY_S)
        picture = self.folder.read(seen)
        if picture is None:
            return False
        self.backlog.take_in(picture, self.naming.trigger_of(picture))
        self.known.add(seen)
        return True

    def _forget(self, found: list[Sighting]) -> None:
        if time.monotonic() - self._forgotten_at > _FORGET_EVERY_S:
            self._forgotten_at = time.monotonic()
            self.backlog.forget(self.known.difference(found))
            self.known = self.backlog.known()


def run(taker: Taker, sender: Sender, *, for_ever: bool) -> None:
    """Take in and send until all is sent, or for ever until a signal. Raises StorageError or ClientError."""
    done = threading.Event()
    if sender.delete_sent:
        sender.delete_answered()
    with ThreadPoolExecutor(1, thread_name_prefix="send") as threads, _stopped_by_signals(taker.stop):
        sending = threads.submit(_until_stopped, lambda: sender.send_all(done.is_set))
        # A sender that has failed must not leave a camera that only collects.
        sending.add_done_callback(lambda ended: taker.stop.ask() if ended.exception() else None)
        _until_stopped(taker.watch if for_ever else taker.take_all)
        done.set()
        _wait_for(sending)


def _until_stopped(work: Callable[[], None]) -> None:
    try:
        work()
    except Stopped:
        return


def _wait_for(sending: Future[None]) -> None:
    # In small steps, or the signal that shall end the waiting would wait for its end.
    while not sending.done():
        threading.Event().wait(0.05)
    sending.result()


@contextmanager
def _stopped_by_signals(stop: Stop) -> Iterator[None]:
    """While the block runs, SIGINT and SIGTERM end the waits instead of the process."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.ask()

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
