"""The simulated camera against a real HTTP server: patient, idempotent, honest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from deploy.demo.camera import Camera, post_all
from deploy.demo.shots import Shot
from deploy.demo.station import count_stored
from deploy.demo.tally import Answer, Tally
from inspection.errors import KensaError
from inspection.verdict import Verdict
from service.client import Client, Patience
from tests.deploy.fake_service import FakeService

Serve = Callable[..., FakeService]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[FakeService] = []

    def start(**moods: int) -> FakeService:
        server = FakeService(**moods)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def shot(folder: Path, name: str, truth: str | None = "good") -> Shot:
    (folder / name).write_bytes(b"pixels")
    return Shot(folder / name, Path(name).stem, "lot-E", truth)


def test_all_fields_of_the_contract_are_posted(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    with Client(server.address) as client:
        answer = Camera(client, "shift").post(shot(tmp_path, "a.png"), 7)
    assert isinstance(answer, Answer)
    assert answer.verdict is Verdict.PASS
    (fields,) = server.posts
    assert datetime.fromisoformat(fields.pop("captured_at")).utcoffset() is not None
    assert fields == {
        "station": "demo-camera-1",
        "part_id": "a",
        "lot": "lot-E",
        "trigger_id": "shift-00007",
    }


def test_a_service_that_comes_back_is_found(serve: Serve, tmp_path: Path) -> None:
    reserved = serve()
    port = reserved.server_address[1]
    reserved.shutdown()
    reserved.server_close()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            serve(port=port, busy=1)

    with Client(f"http://127.0.0.1:{port}", pause=pause) as client:
        answer = Camera(client, "shift").post(shot(tmp_path, "a.png"), 1)
    assert isinstance(answer, Answer)
    assert len(pauses) == 3


def test_patience_ends_with_one_line(serve: Serve, tmp_path: Path) -> None:
    server = serve(busy=1000)
    with (
        Client(server.address, patience=Patience(limit_s=0.1), pause=lambda _: None) as client,
        pytest.raises(KensaError, match=r"no verdict within 0\.1 s \(it answered 503"),
    ):
        Camera(client, "shift").post(shot(tmp_path, "a.png"), 1)


def test_verdicts_and_refusals_are_counted_apart(serve: Serve, tmp_path: Path) -> None:
    server, seen = serve(), []
    shots = [
        shot(tmp_path, "fine.png"),
        shot(tmp_path, "bad-1.png", "scratch"),
        shot(tmp_path, "missed.png", "dent"),
        shot(tmp_path, "bad-2.png"),
        shot(tmp_path, "dark.png"),
        shot(tmp_path, "refuse.png"),
    ]
    tally = Tally()
    with Client(server.address) as client:
        post_all(Camera(client, "shift"), shots, tally, lambda now: seen.append(len(now.entries)))
    with httpx.Client(base_url=server.address) as reader:
        stored = count_stored(reader, [answer.inspection_id for _, answer in tally.entries])
    assert seen == [1, 2, 3, 4, 5, 5]
    assert [tally.count(verdict) for verdict in (Verdict.PASS, Verdict.HOLD, Verdict.FAIL)] == [2, 1, 2]
    assert [(refused.part_id, why) for refused, why in tally.refused] == [("refuse", "image: not wanted")]
    assert stored == 5
    assert tally.escapes() == (1, 2)
    assert tally.overkill() == (1, 3)


def test_what_the_service_forgot_is_not_counted_as_stored(serve: Serve, tmp_path: Path) -> None:
    server = serve(forgets=True)
    with Client(server.address) as client:
        answer = Camera(client, "shift").post(shot(tmp_path, "a.png"), 1)
    assert isinstance(answer, Answer)
    with httpx.Client(base_url=server.address) as reader:
        assert count_stored(reader, [answer.inspection_id]) == 0
