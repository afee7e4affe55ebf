"""The whole thread on one machine: pictures, pretraining, distillation, service, camera, count."""

from __future__ import annotations

import fcntl
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx

from deploy.demo.camera import STATION, Camera, post_all
from deploy.demo.entrance import make_camera_key, make_sign_in_link
from deploy.demo.line import TRUTH, LinePlan, read_line, write_line
from deploy.demo.pictures import material_of
from deploy.demo.processes import ProcessGroup, Stopped
from deploy.demo.shots import Material, Shot
from deploy.demo.station import Station, choose_port, count_stored, start_station
from deploy.demo.summary import LiveSummary, show_result
from deploy.demo.tally import Tally
from deploy.demo.training import Programs, Trained, train
from inspection.errors import ConfigError
from inspection.images.digest import sha256_of_bytes, sha256_of_file, sha256_of_set
from inspection.stage_book import Inputs, Stage, StageBook
from inspection.start_weights import find_start_weights
from inspection.terminal import say
from service.client import Client


@dataclass(frozen=True)
class Wishes:
    """What the person who started the demonstration asked for."""

    images: Path | None
    once: bool
    port: int | None
    minutes: float
    data: Path
    init: str | None
    plan: LinePlan


def folder_for(data: Path, images: Path | None) -> Path:
    """Where everything made from these pictures lies: `line`, or the folder's name and a digest of its place."""
    if images is None:
        return data / "line"
    place = images.resolve()
    name = re.sub(r"[^\w-]+", "-", place.name) or "pictures"
    return data / f"{name}-{sha256_of_bytes(str(place).encode())[:8]}"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder for this demonstration; raises ConfigError when another one works in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "in-use.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{folder}: another demo works here", "end it, or name another --data") from None
        yield


def renderer_sha256() -> str:
    """Digest of the modules that decide how parts look: parts drawn by older ones are not reused."""
    modules = ("defects", "flange", "light", "line", "lots", "parts")
    return sha256_of_set(sha256_of_file(Path(__file__).with_name(f"{name}.py")) for name in modules)


def prepare(wishes: Wishes, folder: Path) -> Material:
    """The simulated line, rendered once, or the pictures that were named."""
    if wishes.images is not None:
        say(f"[1/5] pictures of {wishes.images}")
        return material_of(wishes.images, folder / "learn-from")
    say("[1/5] line: parts of past lots to learn from, and of new lots for the camera")
    inputs: Inputs = {**vars(wishes.plan), "renderer": renderer_sha256()}
    rendering = Stage("line", inputs, folder / "line" / TRUTH, lambda _: write_line(folder / "line", wishes.plan))
    if StageBook(folder / "stages").complete(rendering).reused:
        say(f"      reused {folder / 'line'}")
    return read_line(folder / "line")


def run_camera(station: Station, key: str, shots: list[Shot], trained: Trained) -> None:
    """Post every shot, count, read back what was stored, and show the result."""
    shift = f"demo-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    tally = Tally()
    with LiveSummary(len(shots)) as live, Client(station.address, key=key) as client:
        post_all(Camera(client, shift), shots, tally, live.show)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=station.address, timeout=60.0, headers=headers) as reader:
        stored = count_stored(reader, {answer.inspection_id for _, answer in tally.entries})
    show_result(tally, trained, stored)


def stay_up(station: Station, link: str) -> None:
    """Until a signal comes, which is the normal end; raises StationError when the service ends on its own."""
    say(f"The service stays up: decide on the flagged parts at {station.address}/review")
    say(f"Signed in by this link, once: {link}")
    say("Ctrl-C ends it.")
    try:
        while True:
            station.require_running()
            time.sleep(0.5)
    except Stopped:
        say("ending the service")


def demonstrate(wishes: Wishes, programs: Programs, processes: ProcessGroup) -> None:
    """All five steps; raises KensaError with one line for a person, or Stopped when asked to end."""
    folder = folder_for(wishes.data, wishes.images)
    init = find_start_weights(wishes.init)
    port = choose_port(wishes.port)
    with alone_in(folder):
        material = prepare(wishes, folder)
        say(f"      {len(material.shots)} parts for the camera, never seen in training")
        trained = train(processes, programs, material.training, folder, wishes.minutes, init)
        say(f"[4/5] service: review page at http://127.0.0.1:{port}/review")
        log = folder / "service.log"
        data = folder / "station"
        station = start_station(processes, programs, trained.bundle, data, port, log)
        say("[5/5] camera")
        run_camera(station, make_camera_key(programs, data, STATION), material.shots, trained)
        if not wishes.once:
            stay_up(station, make_sign_in_link(programs, data, station.address))


def with_parts(plan: LinePlan, stream_count: int | None) -> LinePlan:
    """The plan with another number of parts for the camera."""
    return plan if stream_count is None else replace(plan, stream_count=stream_count)
